/** What the counts of a run and of its queues mean. */

interface Ended {
  failed_tasks: number;
  cancelled_tasks: number;
  skipped_tasks: number;
}

/** Tasks that failed by themselves: neither cancelled, nor never run because another one failed. */
export function ownFailures(of: Ended): number {
  return of.failed_tasks - of.cancelled_tasks - of.skipped_tasks;
}
