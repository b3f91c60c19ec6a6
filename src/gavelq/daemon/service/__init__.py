"""What callers can ask of the daemon: one method per verb, the same for the command line, REST and the SDK."""

from dataclasses import dataclass

from gavelq.daemon.feed import Feed
from gavelq.daemon.service.admin import AdminService
from gavelq.daemon.service.alerts import AlertService
from gavelq.daemon.service.bindings import BindingService
from gavelq.daemon.service.doctor import DoctorService
from gavelq.daemon.service.exposition import Exposition
from gavelq.daemon.service.files import FileService
from gavelq.daemon.service.gpus import GpuService
from gavelq.daemon.service.leases import LeaseService
from gavelq.daemon.service.login import LoginService
from gavelq.daemon.service.monitor import MonitorService
from gavelq.daemon.service.overview import OverviewService
from gavelq.daemon.service.plan import PlanService
from gavelq.daemon.service.queues import QueueService
from gavelq.daemon.service.run_state import RunStates
from gavelq.daemon.service.runs import RunService
from gavelq.daemon.service.samples import Samples
from gavelq.daemon.service.settings import SettingsService
from gavelq.daemon.service.simulation import SimulationService
from gavelq.daemon.service.submissions import SubmissionService
from gavelq.daemon.service.tasks import TaskService
from gavelq.daemon.service.tenants import TenantService
from gavelq.daemon.service.tokens import TokenService
from gavelq.daemon.service.usage import UsageService


@dataclass(frozen=True, slots=True)
class Service:
    """The verbs, by noun."""

    tasks: TaskService
    submissions: SubmissionService
    gpus: GpuService
    queues: QueueService
    leases: LeaseService
    files: FileService
    runs: RunService
    run_states: RunStates
    bindings: BindingService
    admin: AdminService
    settings: SettingsService
    monitor: MonitorService
    usage: UsageService
    feed: Feed
    overview: OverviewService
    tenants: TenantService
    tokens: TokenService
    login: LoginService
    exposition: Exposition
    alerts: AlertService
    samples: Samples
    plan: PlanService
    doctor: DoctorService
    simulation: SimulationService
