"""How people write the options of queues and tenants: what both take, and where they differ."""

from collections.abc import Callable

import pytest

from gavelq.core.errors import InvalidField
from gavelq.core.ids import QueueName
from gavelq.core.option_words import flag
from gavelq.core.queue import MemType, Queue
from gavelq.core.queue_options import parse_name
from gavelq.core.queue_options import with_options as with_queue_options
from gavelq.core.tenant_options import parse_tenant_name
from gavelq.core.tenant_options import with_options as with_tenant_options
from gavelq.core.tenants import Tenant

QUEUE = Queue(name=QueueName("night"), max_gpus=3)


@pytest.mark.parametrize("none", [None, "none", " None ", "-1", "", -1])
def test_a_queues_limit_is_taken_away_by_a_word_or_by_the_number_minus_one(none: object) -> None:
    assert with_queue_options(QUEUE, {"max_gpus": none}).max_gpus is None


@pytest.mark.parametrize("none", [None, "none"])
def test_what_memory_has_to_be_free_is_taken_away_by_a_word(none: object) -> None:
    limited = with_queue_options(QUEUE, {"mem_type": "absolute", "mem_value": 8192})
    assert with_queue_options(limited, {"mem_value": none}).mem_value == 0
    assert with_queue_options(limited, {"mem_type": none}).mem_type is MemType.IGNORE


@pytest.mark.parametrize("parse", [parse_name, parse_tenant_name])
@pytest.mark.parametrize("name", [".", ".."])
def test_a_new_name_is_none_that_browsers_take_out_of_a_path(parse: Callable[[str], str], name: str) -> None:
    with pytest.raises(InvalidField, match=r"'\.+' is not a") as refused:
        parse(name)
    assert "neither `.` nor `..`" in refused.value.hint
    assert parse("...") == "..."


def test_a_tenants_limit_is_taken_away_by_a_word_and_minus_one_as_a_number_is_refused() -> None:
    tenant = with_tenant_options(Tenant(name="ada"), {"max_gpus": 3})

    assert with_tenant_options(tenant, {"max_gpus": "-1"}).quota.max_gpus is None
    with pytest.raises(InvalidField):
        with_tenant_options(tenant, {"max_gpus": -1})


@pytest.mark.parametrize(("written", "meant"), [(True, True), ("Yes", True), (1, True), ("off", False), (0, False)])
def test_a_flag_is_written_as_people_write_it(written: object, meant: bool) -> None:
    assert flag(written, "hold") is meant


@pytest.mark.parametrize("option", ["hold", "max_gpus", "mem_type", "idle_action"])
def test_a_refused_value_of_any_length_makes_a_short_message(option: str) -> None:
    with pytest.raises(InvalidField) as refused:
        with_queue_options(QUEUE, {option: ["x" * 100_000]})

    assert len(str(refused.value)) < 300


def test_a_word_of_an_enumeration_may_have_capitals_and_blanks() -> None:
    assert with_queue_options(QUEUE, {"mem_type": " Percentage "}).mem_type is MemType.PERCENTAGE
