/** Rules about cards: which and how many, who gets which, what shares them. */
import type { Pair } from "../../words";
import { type Group, NO_LIMIT, rule } from "./shapes";

const GPUS: Pair = ["GPUs", "张"];

export const CARDS: readonly Group[] = [
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
        { none: ["by number", "按编号"] },
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
];
