/** The daemon's texts of why a card is not used, in the page's language; a text that is not known stays as it is. Pure. */
/** `{1}` is the first part of the text that varies. */
const KNOWN: readonly (readonly [text: RegExp, chinese: string])[] = [
  [/^lost: it is not there any more while other GPUs answer$/, "丢失：其他 GPU 有响应，但它已不存在"],
  [/^lost: the driver lists it and gets no answer$/, "丢失：驱动列出它，但没有响应"],
  [/^(\d+) new uncorrected ECC errors?$/, "新增 {1} 个不可纠正的 ECC 错误"],
  [/^not among rules\.compete_gpus$/, "不在 rules.compete_gpus 之中"],
  [/^not seen yet$/, "尚未检测到"],
  [/^no look at it for (.+)$/, "已有 {1} 未读取其状态"],
  [
    /^process (\d+) used GPU (\S+?)( \(\d+ MiB\))?, which the task does not hold$/,
    "进程 {1} 使用了任务未持有的 GPU {2}{3}",
  ],
  [
    /^its processes \(process (\d+)\) used (\d+) MiB of GPU (\S+), (\d+) MiB were declared$/,
    "其进程（{1}）使用了 GPU {3} 的 {2} MiB，声明为 {4} MiB",
  ],
  [/^Xid (48): double-bit ECC error$/, "Xid {1}：双比特 ECC 错误"],
  [/^Xid (54): auxiliary power is not connected$/, "Xid {1}：辅助电源未连接"],
  [/^Xid (61): internal micro-controller warning$/, "Xid {1}：内部微控制器警告"],
  [/^Xid (62|169): internal micro-controller halt$/, "Xid {1}：内部微控制器停机"],
  [/^Xid (64): a bad part of the memory could not be retired$/, "Xid {1}：损坏的显存无法停用"],
  [/^Xid (74): NVLink error$/, "Xid {1}：NVLink 错误"],
  [/^Xid (79): GPU has fallen off the bus$/, "Xid {1}：GPU 已从总线脱落"],
  [/^Xid (92): high rate of single-bit ECC errors$/, "Xid {1}：单比特 ECC 错误过多"],
  [/^Xid (94): contained memory error$/, "Xid {1}：已隔离的显存错误"],
  [/^Xid (95): uncontained memory error$/, "Xid {1}：未隔离的显存错误"],
  [/^Xid (119): GPU firmware \(GSP\) does not answer$/, "Xid {1}：GPU 固件 (GSP) 无响应"],
  [/^Xid (120): GPU firmware \(GSP\) error$/, "Xid {1}：GPU 固件 (GSP) 错误"],
  [/^Xid (140): unrecovered memory error$/, "Xid {1}：无法恢复的显存错误"],
  [/^Xid (143): GPU initialization error$/, "Xid {1}：GPU 初始化错误"],
];

/** `text` in Chinese, where it is known. */
export function inChinese(text: string): string {
  for (const [pattern, chinese] of KNOWN) {
    const found = pattern.exec(text);
    if (found !== null) return chinese.replace(/\{(\d)\}/g, (_, i: string) => found[Number(i)] ?? "");
  }
  return text;
}
