/** Chinese for what the daemon tells; loaded by who reads Chinese alone. */
import type { Table } from "../told";
import { card } from "./cards";
import { end } from "./ends";
import { inChinese } from "./faults";
import { problem } from "./problems";
import { text } from "./texts";
import { wait } from "./waits";

export const table: Table = { wait, card, end, problem, text, fault: inChinese };
