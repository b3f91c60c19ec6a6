/** Rules about tasks: their order, who makes way, and what follows a failure. */
import { type Group, NO_LIMIT, rule } from "./shapes";

export const TASKS: readonly Group[] = [
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
        "scheduling.backfill",
        ["Backfill", "回填"],
        ["Who starts ahead of the first task that waits.", "谁可以先于排在最前的等待任务开始。"],
        {
          options: [
            ["easy", ["who cannot delay it", "不推迟它的任务"]],
            ["skip", ["whoever fits", "凡放得下的"]],
            ["none", ["nobody", "无"]],
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
