/** Sentences of the daemon for which there is no code; one that is not known stays as it is. Pure. */
import { inChinese } from "./faults";

/** `{1}` is the first part of the text that varies; a part with a `*` is told in Chinese itself. */
type Known = readonly (readonly [text: RegExp, chinese: string])[];

const TASK = String.raw`(task \d+|another tenant's task)`;

/** What an expected start is based on. */
const BASES: Known = [
  [/^it cannot start while: .*$/s, "在此之前无法启动"],
  [
    /^a reservation: the time limits of the tasks on its GPUs are over by then$/,
    "已预留 GPU：届时其上任务的时限均已到",
  ],
  [/^more than (\d+) tasks are ahead of it$/, "前面有超过 {1} 个任务"],
  [
    new RegExp(`^${TASK} is in its way, which has no time limit and no learned run time$`),
    "{*1}挡在前面，既没有时限，也没有学到的运行时间",
  ],
  [/^(.+) is in its way, and nobody knows when it leaves room$/, "受{*1}限制，无法预计何时有余量"],
  [/^the GPU budget \(.*\) leaves too few GPUs for it$/, "GPU 预算不足以满足它"],
  [/^more than gavelq's own tasks keeps GPUs from serving it$/, "不只是 gavelq 的任务在占用 GPU，无法预计"],
  [
    new RegExp(`^it cannot start while ${TASK}, which comes before it in its lane, is held$`),
    "序列中排在前面的{*1}被挂起",
  ],
  [new RegExp(`^${TASK} comes first in its lane, and of it is known: (.+)$`), "先要等序列中的{*1}：{*2}"],
  [
    new RegExp(`^${TASK} comes before it in its lane, and has no time limit and no learned run time$`),
    "序列中排在前面的{*1}既没有时限，也没有学到的运行时间",
  ],
  [/^(.+); (\d+) task\(s\) come before it in its lane, .*$/, "依据：{*1}；序列中前面有 {2} 个任务"],
  [/^(.+); (\d+) task\(s\) are ahead of it$/, "依据：{*1}；前面有 {2} 个任务"],
  [/^(.+\)) and (.+)$/, "{*1}、{*2}"],
  [/^(max_\w+ of (?:queue|submission) \S+) and (.+)$/, "{*1}、{*2}"],
  [/^learned run times \((\d+)\)$/, "学到的运行时间（{1} 个）"],
  [/^run times of completed tasks beside them \((\d+)\)$/, "同类已完成任务的运行时间（{1} 个）"],
  [/^time limits \((\d+)\)$/, "时限（{1} 个）"],
  [/^free GPUs$/, "空闲的 GPU"],
  [/^the start of the one before it$/, "前一个任务的启动时间"],
  [/^(max_\w+) of queue (\S+)$/, "队列 {2} 的 {1}"],
  [/^(max_\w+) of submission (\d+)$/, "提交 {2} 的 {1}"],
  [/^the GPU budget \(.*\)$/, " GPU 预算"],
  [/^task (\d+)$/, "任务 {1} "],
  [/^another tenant's task$/, "其他租户的任务"],
];

/** Details of ends and of holds. */
const ENDS: Known = [
  [/^asked by ([^;]+)$/, "由 {1} 要求"],
  [/^before it started, by ([^;]+)$/, "启动之前，由 {1} 取消"],
  [/^before its next try, by ([^;]+)$/, "重试之前，由 {1} 取消"],
  [/^released before it was granted, by ([^;]+)$/, "分配之前由 {1} 归还"],
  [/^warned with (\S+) (\S+) s before the limit$/, "在时限前 {2} 秒以 {1} 提醒"],
  [/^the grace time was over: KILL$/, "宽限时间已过：KILL"],
  [/^processes that it left behind and that were ended: (\d+)$/, "结束了 {1} 个遗留进程"],
  [/^its supervisor was killed$/, "其监管进程被杀死"],
  [/^the runner has no trace of it$/, "运行器中没有它的记录"],
  [/^it was stopped before it began$/, "开始之前即被停止"],
  [/^its owner, process (\d+), is gone$/, "其所有者进程 {1} 已不存在"],
  [/^nobody renewed it for (\S+) s$/, "{1} 秒内无人续租"],
  [/^GPU (\S+) is lost$/, "GPU {1} 丢失"],
  [/^task (\d+) (completed|failed)(?: \((\w+)\))?$/, "任务 {1} {*2}"],
  [/^task (\d+) was (cancelled|aborted)(?: \((\w+)\))?$/, "任务 {1} {*2}"],
  [/^task (\d+) completed, and this one waits for it to fail$/, "任务 {1} 已完成，而本任务等待它失败"],
  [/^completed$/, "已完成"],
  [/^failed$/, "失败"],
  [/^cancelled$/, "已取消"],
  [/^aborted$/, "已中止"],
  [
    /^task (\d+) before it in lane (\S+) .*, and on_failure is stop$/,
    "序列 {2} 中前面的任务 {1} 未成功，且 on_failure 为 stop",
  ],
  [
    /^(\d+) fast failures in a row in submission (\d+) \(last: task (\d+), (\w+)\)$/,
    "提交 {2} 连续快速失败 {1} 次（最后一次：任务 {3}）",
  ],
  [/^task \d+ is held: it was put on hold; .*$/, "由用户挂起"],
  [/^task \d+ is held: queue (\S+) holds its tasks; .*$/, "队列 {1} 会挂起其中的任务"],
  [
    /^task \d+ is being stopped \(\w+, asked by (.+)\); .*$/,
    "由 {1} 要求停止；宽限时间之后仍未结束的会被强制结束",
  ],
  [/^task \d+ has been running .*; its GPUs have been idle for (\w+)$/, "其 GPU 已空闲 {1}"],
  [
    /^task \d+ has been running .*; its GPUs have been idle for (\w+), and after (\w+) it is put back \(queue (\S+)\)$/,
    "其 GPU 已空闲 {1}，达到 {2} 后放回等待（队列 {3}）",
  ],
  [
    /^task \d+ has been running .*; its GPUs have been idle for (\w+), and after (\w+) it is ended \(queue (\S+)\)$/,
    "其 GPU 已空闲 {1}，达到 {2} 后结束（队列 {3}）",
  ],
];

/** What is wrong with a request, where many fields share it. */
const MISTAKES: Known = [
  [/^(.+) is not a whole number from (\S+) to (\S+)$/, "{1} 不是 {2} 到 {3} 的整数"],
  [/^(.+) is not a number of GPUs$/, "{1} 不是 GPU 数量"],
  [/^(.+) is not an amount of memory$/, "{1} 不是有效的内存大小"],
  [/^(.+) is not a duration$/, "{1} 不是有效的时长"],
  [/^(.+) is not a percentage$/, "{1} 不是百分比"],
  [/^(.+) is not a number$/, "{1} 不是数字"],
  [/^(.+) is not a queue name$/, "{1} 不是有效的队列名"],
  [/^(.+) is not a time$/, "{1} 不是有效的时间"],
  [/^(.+) is not an absolute path$/, "{1} 不是绝对路径"],
  [/^(.+) is out of range$/, "{1} 超出范围"],
  [/^that time is over$/, "该时间已过"],
  [/^there is no directory (.+)$/, "目录 {1} 不存在"],
  [/^(.+) is not from (\S+) to (\S+)$/, "{1} 不在 {2} 到 {3} 之间"],
  [/^(.+) is not a time from (\S+) to (\S+)$/, "{1} 不是 {2} 到 {3} 年间的时间"],
  [/^(.+) is not a variable's name$/, "{1} 不是有效的变量名"],
  [/^(.+) is not a number of further tries$/, "{1} 不是有效的重试次数"],
  [/^(.+) is not one of (.+)$/, "{1} 不在可选值中：{2}"],
  [/^(.+) is not a tenant's name$/, "{1} 不是有效的租户名"],
  [/^there is no such setting$/, "没有这个设置项"],
  [/^only a held task can be released$/, "只有挂起的任务可以放行"],
  [/^only a pending task can be held$/, "只有等待中的任务可以挂起"],
  [/^only a task that has not started can be edited$/, "只有尚未启动的任务可以修改"],
  [/^a name is given once$/, "名称已被使用"],
  [/^it always exists$/, "内置队列，始终存在"],
  [/^it would wait for task (\d+) to \w+, and task \d+ (?:was )?(\w+)$/, "任务 {1} {*2}，该依赖永远无法满足"],
  [/^there is no such field$/, "没有这个字段"],
  [/^there is no setting (.+)$/, "没有设置项 {1}"],
  [/^the default is more than max_time_limit$/, "默认值超过 max_time_limit"],
  [/^gpu_count is (\d+), but gpu_ids lists only (\d+)$/, "gpu_count 为 {1}，但 gpu_ids 只列出 {2} 张"],
  [/^it has ended; ends never reopen$/, "任务已结束，不会重新开始"],
  [/^only an ended task can be run again$/, "只有已结束的任务可以重新运行"],
  [/^a signal needs a running task$/, "只能向运行中的任务发送信号"],
  [/^it can run only once at a time$/, "同一时间只能运行一次"],
  [/^there is nothing to stop$/, "没有可停止的"],
  [/^a GPU has one owner$/, "一张 GPU 只能归一个队列所有"],
  [/^submissions that name no queue go there .*$/, "未指定队列的提交都进入该队列（submit.default_queue）"],
  [/^(\d+) task\(s\) are in it$/, "其中还有 {1} 个任务"],
  [/^(\d+) task\(s\) of it have not ended$/, "其中还有 {1} 个任务未结束"],
  [/^it never dispatches and needs no GPU$/, "等待队列不启动任务，不需要 GPU"],
  [/^there is nobody to share it with$/, "没有可共享的外部进程"],
  [
    /^(\d+) free GPU\(s\) of the pool were asked for and there are (\d+)$/,
    "需要公共池中 {1} 张空闲 GPU，只有 {2} 张",
  ],
  [/^it asks for (\d+) GPUs and there are (\d+)\b.*$/, "需要 {1} 张 GPU，本机只有 {2} 张"],
  [
    /^it asks for (.+) on each of (\d+) GPU\(s\), (\d+) have that much \(the largest: (.+)\)$/,
    "{2} 张 GPU 各需 {1} 显存，满足的有 {3} 张（最大 {4}）",
  ],
  [/^gavelq sees no GPU on this machine\b.*$/, "本机没有可用的 GPU"],
  [/^task (\d+) cannot wait for itself$/, "任务 {1} 不能等待自己"],
  [/^task (\d+) cannot both complete and fail$/, "任务 {1} 不能既完成又失败"],
];

/** What alerts say. */
const ALERTS: Known = [
  [/^GPU (.+) is at (\d+) C$/, "GPU {1} 温度 {2} °C"],
  [/^GPU (\S+(?: \(.+?\))?): (.+); look at it, then: (gavelq .+)$/, "GPU {1}：{*2}；检查后：{3}"],
  [/^it is lost$/, "已丢失"],
  [
    /^(\d+) waiting task\(s\) cannot use GPU (.+) because of what others do there \(process (.+)\)$/,
    "因外部进程 {3}，{1} 个等待的任务无法使用 GPU {2}",
  ],
  [
    /^(\d+) waiting task\(s\) cannot use GPU (.+) because of what others do there$/,
    "因外部占用，{1} 个等待的任务无法使用 GPU {2}",
  ],
  [/^task (\d+) \((.+)\) lets GPU (.+) lie idle$/, "任务 {1}（{2}）使 GPU {3} 闲置"],
  [/^task (\d+) has waited in queue (\S+) for (.+)$/, "任务 {1} 在队列 {2} 中已等待 {3}"],
  [/^(\d+) fast failures in a row in submission (\d+)$/, "提交 {2} 连续快速失败 {1} 次"],
  [
    /^task (\d+) \((.+)\) has failed (\d+) times and is tried again$/,
    "任务 {1}（{2}）已失败 {3} 次，仍在重试",
  ],
  [/^(.+) are free in the state directory$/, "状态目录剩余空间 {1}"],
  [/^task (\d+) \((.+)\): ((?:process|its processes) .+)$/, "任务 {1}（{2}）：{*3}"],
];

/** Hints. A command in them is kept as it is. */
const HINTS: Known = [
  [/^ask an admin of gavelq$/, "请联系 gavelq 管理员"],
  [/^ask for (\d+) or less$/, "请填 {1} 或更小"],
  [/^ask for fewer$/, "请减少数量"],
  [/^name another queue$/, "请指定其他队列"],
  [/^write for example (.+?),? or (.+)$/, "例如 {1} 或 {2}"],
  [/^write a (?:whole )?number from (\S+) to (\S+)$/, "请填 {1} 到 {2} 的数"],
  [/^write a (?:whole )?number from (\S+) to (\S+), or (none|unlimited)$/, "请填 {1} 到 {2} 的数，或 {3}"],
  [/^write one of (.+)$/, "可选：{1}"],
  [/^make it, or name another one with -w DIR$/, "请创建该目录，或指定其他目录"],
  [
    /^use 1 to 64 letters, digits, underscores, dots or dashes\b.*$/,
    "请用 1 到 64 个字母、数字、下划线、点或连字符",
  ],
  [/^a name has no = and no control characters$/, "变量名不能含有 = 和控制字符"],
  [/^wait for them or end them first$/, "请先等待或结束它们"],
  [/^(gavelq [a-z]+ [a-z]+ \S+) tells .*$/, "参见：{1}"],
  [/^try again$/, "请重试"],
  [/^.*: (gavelq [a-z][^:;]*)$/s, "可用：{1}"],
  [/^`(gavelq [^`]+)` .*$/s, "参见：{1}"],
];

const ALL: Known = [...BASES, ...ENDS, ...ALERTS, ...MISTAKES, ...HINTS];

function one(text: string): string | null {
  for (const [pattern, chinese] of ALL) {
    const found = pattern.exec(text);
    if (found === null) continue;
    return chinese.replace(/\{(\*?)(\d)\}/g, (_, inner: string, i: string) => {
      const part = found[Number(i)] ?? "";
      return inner ? (one(part) ?? part) : part;
    });
  }
  const fault = inChinese(text);
  return fault === text ? null : fault;
}

/** A sentence, or several with `; ` between them, in Chinese; null where a part is not known. */
export function text(words: string): string | null {
  const whole = one(words);
  if (whole !== null) return whole;
  const parts = words.split("; ").map(one);
  return parts.every((part) => part !== null) ? parts.join("；") : null;
}
