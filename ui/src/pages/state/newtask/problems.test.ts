import { expect, it } from "vitest";
import { Problem } from "../../../api/client";
import { finder, nameOf, refusalOf } from "./problems";

it("puts every mistake at its field", () => {
  const body = {
    details: {
      mistakes: [
        { index: 0, field: "memory_mib", problem: "'x' is no memory", hint: "write 8G" },
        { index: 0, field: "env.A", problem: "too long" },
      ],
    },
  };
  const problem = new Problem(400, "invalid_tasks", "all of it", null, null, body);
  expect(finder(problem)("priority", "memory")).toBe("'x' is no memory (write 8G)");
  expect(finder(problem)("env")).toBe("too long");
  expect(refusalOf(problem).lines).toEqual(["memory_mib: 'x' is no memory (write 8G)", "env.A: too long"]);
});

it("knows fields by the refusal's code, and leaves the rest to the whole", () => {
  expect(finder(new Problem(404, "queue_not_found", "no queue q", null, null))("queue")).toBe("no queue q");
  expect(finder(new Problem(422, "infeasible", "never", "ask for less", null))("gpu_count")).toBeNull();
});

it("reads places in submissions", () => {
  expect([nameOf("tasks[0].script.content"), nameOf("time_limit_s")]).toEqual(["command", "time_limit"]);
});
