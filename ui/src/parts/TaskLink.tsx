/** A task's number as a link to it. */
import { Link } from "wouter";

/** Where a task is shown. */
export function taskPath(id: number): string {
  return `/state/${id}`;
}

export function TaskLink({ id, className = "mono" }: { id: number; className?: string }) {
  return (
    <Link href={taskPath(id)} className={className}>
      #{id}
    </Link>
  );
}
