/** The rules of scheduling as a person reads them: groups, short names, meanings. */
import type { Pair } from "../../words";

export interface Rule {
  /** Settings that one row holds; more than one stand beside each other. */
  keys: readonly string[];
  name: Pair;
  meaning: Pair;
  /** Behind the number. */
  unit?: Pair;
  /** Words for the choices. */
  options?: readonly (readonly [value: unknown, text: Pair])[];
  /** Between two of them. */
  between?: Pair;
  /** What an empty field means. */
  none?: Pair;
}

export interface Group {
  id: string;
  title: Pair;
  hint: Pair;
  rules: readonly Rule[];
}

const GPUS: Pair = ["GPUs", "张"];
const NO_LIMIT: Pair = ["no limit", "不限"];

function rule(key: string, name: Pair, meaning: Pair, more: Partial<Rule> = {}): Rule {
  return { keys: key.split(" "), name, meaning, ...more };
}

export const GROUPS: readonly Group[] = [
  {
    id: "cards",
    title: ["Which GPUs", "使用哪些 GPU"],
    hint: ["how many cards gavelq takes, and which", "gavelq 使用多少张卡、哪些卡"],
    rules: [
      rule(
        "rules.compete_gpus",
        ["Allowed GPUs", "允许的 GPU"],
        [
          "Tasks start on these cards only. What runs elsewhere is left alone.",
          "任务只在这些卡上启动；其他卡上已运行的不受影响。",
        ],
      ),
      rule(
        "rules.use_all_gpus",
        ["Use all", "使用全部"],
        ["Every card may be used, whatever is allowed above.", "可使用所有卡，忽略上面的限制。"],
      ),
      rule(
        "rules.gpu_left",
        ["Leave for others", "留给他人"],
        ["So many of the available cards are kept free.", "可用的卡中保留这么多张空闲。"],
        { unit: GPUS },
      ),
      rule(
        "rules.min_gpu",
        ["At least", "最少"],
        [
          "gavelq may always use this many, even if fewer are left.",
          "总可使用这么多张，即使留给他人的因此变少。",
        ],
        { unit: GPUS },
      ),
      rule(
        "rules.max_gpu",
        ["At most", "最多"],
        ["Never more than this many at once.", "同时使用不超过这么多张。"],
        { unit: GPUS, none: NO_LIMIT },
      ),
      rule(
        "gpu.order",
        ["Preferred order", "优先顺序"],
        ["Cards taken first where several fit equally well.", "多张卡同样合适时，先用排在前面的。"],
      ),
    ],
  },
  {
    id: "placement",
    title: ["Placement", "放置"],
    hint: ["which card a task gets", "任务分到哪张卡"],
    rules: [
      rule(
        "selection",
        ["Choice", "选择方式"],
        [
          "Of several fitting cards: least free memory, first in order, or best in samples.",
          "多张卡合适时：空闲显存最少的、顺序最前的，或采样最佳的。",
        ],
        {
          options: [
            ["best_fit", ["Best fit", "最合适"]],
            ["first", ["First", "首张"]],
            ["sampled", ["Sampled", "采样"]],
          ],
        },
      ),
      rule(
        "rules.maximize_resource_utilization",
        ["Share cards", "共享 GPU"],
        [
          "Tasks of command files may share a card when their memory fits.",
          "显存足够时，命令文件的任务可共用一张卡。",
        ],
      ),
      rule(
        "rules.memory_save_mode",
        ["Pack or spread", "集中或分散"],
        [
          "For command files. Pack: prefer used cards. Spread: prefer empty ones, safer against overflow.",
          "命令文件。集中：优先用已占用的卡；分散：优先用空卡，不易溢出。",
        ],
        {
          options: [
            [true, ["Pack", "集中"]],
            [false, ["Spread", "分散"]],
            [null, ["Choice", "按选择"]],
          ],
        },
      ),
      rule(
        "sampling.count sampling.window_s",
        ["Watch before choosing", "选择前观察"],
        ["Samples taken when several cards fit.", "多张卡合适时的采样次数与时长。"],
        { between: ["in", "/"] },
      ),
      rule(
        "gpu.topology",
        ["Close together", "就近分配"],
        [
          "Tasks of several GPUs get cards that are close (NVLink, one switch).",
          "多 GPU 任务分到互联较近的卡（NVLink、同一交换机）。",
        ],
      ),
      rule(
        "settle_s",
        ["Settle", "静置时间"],
        ["A card that others used must have been calm for so long.", "他人用过的卡须平静这么久才启动任务。"],
      ),
    ],
  },
  {
    id: "sharing",
    title: ["Sharing", "共享"],
    hint: ["several tasks on one card", "多个任务共用一张卡"],
    rules: [
      rule(
        "sharing.max_per_gpu",
        ["Tasks per card", "每卡任务数"],
        ["At most so many tasks that share stand on one card.", "一张卡上最多这么多个共享任务。"],
      ),
      rule(
        "sharing.reserve_mib",
        ["Reserve", "预留显存"],
        ["Memory of a shared card that is given to no task.", "共享卡上不分给任何任务的显存。"],
      ),
      rule(
        "sharing.max_utilization",
        ["Utilisation", "利用率上限"],
        [
          "What is known of the tasks on one card adds up to at most this.",
          "同卡任务的已知利用率之和不超过此值。",
        ],
      ),
      rule(
        "sharing.unknown_utilization",
        ["Where unknown", "未知时"],
        ["A task counts for this until its utilisation is known.", "利用率未知的任务按此值计算。"],
      ),
    ],
  },
  {
    id: "foreign",
    title: ["Foreign processes", "外部进程"],
    hint: ["what gavelq did not start", "不是 gavelq 启动的"],
    rules: [
      rule(
        "foreign.policy",
        ["Beside them", "与其共用"],
        [
          "Share: tasks that declare their memory may start beside them. Avoid: never.",
          "共用：声明了显存的任务可在旁启动；避开：从不。",
        ],
        {
          options: [
            ["share", ["Share", "共用"]],
            ["avoid", ["Avoid", "避开"]],
          ],
        },
      ),
      rule(
        "foreign.unattributed_mib",
        ["Unseen memory", "无主显存"],
        [
          "Used memory without a visible process counts as foreign above this.",
          "超过此值的无主显存视为外部占用。",
        ],
      ),
      rule(
        "foreign.ignored_users",
        ["Users not minded", "不计的用户"],
        [
          "Their processes are not foreign; their memory counts as used.",
          "其进程不算外部进程，显存仍计入已用。",
        ],
      ),
      rule(
        "foreign.ignored_commands",
        ["Programs not minded", "不计的程序"],
        ["By name; * stands for anything.", "按名称；* 代表任意字符。"],
      ),
    ],
  },
  {
    id: "order",
    title: ["Order", "顺序"],
    hint: ["who goes first, and how many at once", "谁先运行、同时运行多少"],
    rules: [
      rule(
        "scheduling.policy",
        ["Policy", "策略"],
        ["The order of tasks of equal priority.", "同优先级任务的顺序。"],
        {
          options: [
            ["fair", ["fair: small and long-waiting first", "fair：小任务和久等者优先"]],
            ["fifo", ["fifo: as submitted", "fifo：按提交顺序"]],
            ["largest_first", ["largest first", "大任务优先"]],
            ["smallest_first", ["smallest first", "小任务优先"]],
          ],
        },
      ),
      rule(
        "limits.max_running",
        ["Running tasks", "运行任务数"],
        ["At most so many tasks run at once.", "同时运行的任务不超过此数。"],
        { none: NO_LIMIT },
      ),
      rule(
        "limits.max_cpu_tasks",
        ["Tasks without GPU", "无 GPU 任务"],
        ["At most so many run at once; empty: one per core.", "同时运行不超过此数；留空：按核数。"],
        { none: ["cores", "核数"] },
      ),
      rule(
        "scheduling.share_half_life_s",
        ["Share memory", "份额记忆"],
        ["fair: past use counts half after this time.", "fair：过去的用量经此时间减半。"],
      ),
      rule(
        "scheduling.ageing_s scheduling.ageing_exponent",
        ["Ageing", "等待加权"],
        [
          "fair: a task's size counts less the longer it waits, by this time and power.",
          "fair：等待越久任务面积越小，按此时间与幂次。",
        ],
        { between: ["to the power", "幂"] },
      ),
      rule(
        "scheduling.unknown_limit_s",
        ["Without a limit", "无时限时"],
        ["fair sorts a task without a time limit as if it had this one.", "fair：无时限的任务按此时限排序。"],
      ),
      rule(
        "scheduling.allowance_s",
        ["Start allowance", "启动余量"],
        ["Backfill leaves this much time before a promised start.", "回填任务在预留开始前留出的时间。"],
      ),
      rule(
        "scheduling.depth",
        ["Depth", "搜索深度"],
        [
          "A cycle stops after so many different requests that do not fit.",
          "每轮在这么多种不合适的请求后停止。",
        ],
      ),
    ],
  },
  {
    id: "preemption",
    title: ["Preemption", "抢占"],
    hint: ["tasks that make way", "为他人让路的任务"],
    rules: [
      rule(
        "preemption.enabled",
        ["Preempt", "允许抢占"],
        [
          "A waiting task may stop preemptible ones of lower priority; they run again later.",
          "等待的任务可停止优先级更低的可抢占任务，后者稍后重跑。",
        ],
      ),
      rule(
        "preemption.min_levels",
        ["Priority gap", "优先级差"],
        ["How much lower their priority must be.", "被抢占者须低这么多级。"],
      ),
      rule(
        "preemption.min_run_s",
        ["Run at least", "最短运行"],
        ["A task that runs for less is not preempted.", "运行不足此时间的任务不被抢占。"],
      ),
    ],
  },
  {
    id: "files",
    title: ["Command files", "命令文件"],
    hint: ["their tasks, and what follows a failure", "其任务，以及失败之后"],
    rules: [
      rule(
        "rules.max_retry_before_backoff",
        ["Failures before a pause", "暂停前失败数"],
        ["Counted per task; the pause repeats after each round.", "按任务计；每轮之后再次暂停。"],
      ),
      rule(
        "rules.backoff_duration",
        ["Pause", "暂停时长"],
        ["How long a task waits after such a round.", "每轮失败后等待多久。"],
      ),
      rule(
        "rules.max_retries",
        ["Retries", "重试次数"],
        ["A task that failed is tried again so often at most.", "失败的任务最多重试这么多次。"],
      ),
      rule(
        "rules.time_limit",
        ["Time limit", "时限"],
        ["For tasks of command files that set none.", "命令文件中未设时限的任务。"],
        { none: NO_LIMIT },
      ),
      rule(
        "rules.on_failure",
        ["After a failure", "失败之后"],
        ["What a lane does after a task that failed for good.", "任务最终失败后其队列如何处理。"],
        {
          options: [
            ["continue", ["Go on", "继续"]],
            ["stop", ["Stop", "停止"]],
          ],
        },
      ),
      rule(
        "rules.work_dir",
        ["Directory", "工作目录"],
        ["Where they run, and what {work_dir} becomes.", "运行目录，也是 {work_dir} 的值。"],
        { none: ["the starter's own", "启动者的目录"] },
      ),
      rule(
        "rules.seed",
        ["Seed", "随机种子"],
        ["Makes the random order of idle lanes repeatable.", "使空闲队列的随机顺序可重复。"],
        { none: ["random", "随机"] },
      ),
    ],
  },
  {
    id: "retry",
    title: ["Retry", "重试"],
    hint: ["after a failure of all other tasks", "其他任务失败之后"],
    rules: [
      rule(
        "retry.retries",
        ["Retries", "重试次数"],
        ["How often a task is tried again that says nothing of it.", "未指定时失败任务的重试次数。"],
      ),
      rule(
        "retry.backoff",
        ["Pauses", "间隔"],
        ["SECONDS[xFACTOR][..CAP], such as 30x2..600.", "秒数[x倍数][..上限]，如 30x2..600。"],
      ),
      rule(
        "retry.jitter_percent",
        ["Jitter", "抖动"],
        [
          "Pauses are longer by up to this, so that not all come at once.",
          "间隔随机延长至多此比例，避免同时重试。",
        ],
      ),
      rule(
        "retry.on",
        ["After which ends", "哪些结束"],
        ["End reasons after which a task is tried again.", "在这些结束原因之后重试。"],
      ),
      rule(
        "retry.on_gpu_oom",
        ["GPU out of memory", "显存不足时"],
        ["same, exclusive, or a factor such as x1.5.", "same、exclusive，或倍数如 x1.5。"],
      ),
      rule(
        "retry.hold_after",
        ["Hold after", "挂起阈值"],
        [
          "So many fast failures in a row hold the rest of a submission; 0: never.",
          "连续这么多次快速失败后挂起其余任务；0：从不。",
        ],
      ),
      rule(
        "retry.fast_s",
        ["Fast failure", "快速失败"],
        ["A failure within so many seconds is a fast one.", "在此秒数内失败视为快速失败。"],
      ),
    ],
  },
];

const NAMED = new Set(GROUPS.flatMap((group) => group.rules.flatMap((one) => one.keys)));

/** Rules that no group names, such as those of a newer daemon: they are shown all the same. */
export function others(names: readonly string[]): string[] {
  return names.filter((name) => !NAMED.has(name));
}
