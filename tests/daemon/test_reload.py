"""What the daemon's command line said stays said, however often the configuration is read again."""

from tests.support.daemon import box


def test_an_address_of_the_command_line_outlives_every_reload() -> None:
    with box(listen="127.0.0.1:0", n_gpus=1) as instance:
        for number in range(3):
            done = instance.request("PUT", "/api/config", {"values": {"rules.gpu_left": number}})
            assert done["needs_restart"] == []
            told = instance.get("/api/settings")["http.listen"]
            assert (told["value"], told["needs_restart"]) == ("127.0.0.1:0", True)


def test_what_stands_beside_that_address_is_taken_over_all_the_same() -> None:
    with box(listen="127.0.0.1:0", n_gpus=1) as instance:
        done = instance.request("PUT", "/api/config", {"http.rate_limit": 9000, "http.patience_s": 40})
        assert (set(done["changed"]), done["needs_restart"]) == (
            {"http.rate_limit", "http.patience_s"},
            ["http.patience_s"],
        )
        told = instance.get("/api/settings")
        assert told["http.rate_limit"]["value"] == 9000
        assert "works with 30" in told["http.patience_s"]["warning"]
