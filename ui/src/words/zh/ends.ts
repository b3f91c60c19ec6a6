/** How a task ended, by reason. Pure. */
import { filled } from "./filled";
import { text } from "./texts";

export const ENDS: Readonly<Record<string, string>> = {
  exit_zero: "已完成，退出码 0",
  exit_nonzero: "失败：命令的退出码为 {exitCode}",
  signalled: "失败：命令被信号 {signal} 结束",
  time_limit: "失败：达到时限",
  spawn_failed: "失败：命令无法启动",
  cancelled_by_user: "由所有者取消",
  cancelled_by_admin: "由管理员取消",
  gpu_released: "已中止：GPU 被收回",
  gpu_drained: "已中止：GPU 被排空",
  daemon_stopped: "已中止：守护进程连同任务一起停止",
  out_of_memory_gpu: "失败：GPU 显存不足",
  out_of_memory_host: "失败：主机内存不足，被内核结束",
  nccl_error: "失败：NCCL（GPU 间通信）出错",
  code_error: "失败：程序无法运行（缺少模块或语法错误）",
  gpu_lost: "已中止：所用的 GPU 发生故障",
  dependency_failed: "已中止：依赖的任务未按要求结束",
  preempted: "已中止：被抢占",
  released: "由所有者归还",
  lease_expired: "已中止：所有者已不在，或未续租",
  violation: "已中止：违反隔离规则",
  idle: "已中止：GPU 空闲时间超过队列允许的时长",
  lost: "已中止：进程丢失，无人知道其如何结束",
};

interface End {
  exitCode: number | null;
  signal: number | null;
  detail: string;
}

export function end(reason: string, { exitCode, signal, detail }: End): string | null {
  const told = filled(ENDS[reason] ?? "{unknown}", { exitCode, signal });
  return told !== null && detail ? `${told}（${text(detail) ?? detail}）` : told;
}
