/** Requests to the daemon that served this page. */
import { chinese, type Details } from "../words/told";

/** An answer that was not 2xx (RFC 9457), or no answer at all (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly hint: string | null,
    readonly field: string | null,
    readonly body: Record<string, unknown> = {},
  ) {
    const told = chinese()?.problem(code, (body.details ?? {}) as Details, detail, hint);
    super(told ?? (hint ? `${detail} (${hint})` : detail));
  }
}

type Value = string | number | boolean;
type Query = Record<string, Value | readonly Value[] | null | undefined>;

/** A path with its query; null and undefined are left out, lists are repeated. */
export function path(base: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    for (const one of typeof value === "object" ? value : [value]) search.append(name, String(one));
  }
  return search.size > 0 ? `${base}?${search}` : base;
}

let onExpired: () => void = () => undefined;

/** What happens when the session is over. */
export function whenExpired(act: () => void): void {
  onExpired = act;
}

export interface Options {
  body?: unknown;
  etag?: string | null;
  signal?: AbortSignal;
  key?: string;
}

/** The whole answer, for those who want its header fields or its text. Throws Problem. */
export async function send(method: string, target: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json, text/plain" };
  if (options.body !== undefined || method === "POST") headers["Content-Type"] = "application/json";
  if (options.etag) headers["If-Match"] = options.etag;
  if (options.key) headers["Idempotency-Key"] = options.key;
  const body = options.body === undefined ? (method === "POST" ? "{}" : null) : JSON.stringify(options.body);
  let reply: Response;
  try {
    reply = await fetch(target, { method, headers, body, signal: options.signal ?? null, cache: "no-store" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(
      0,
      "unreachable",
      "the daemon does not answer",
      "is it running? gavelq daemon status",
      null,
    );
  }
  if (reply.ok) return reply;
  if (reply.status === 401 && !target.startsWith("/api/login")) onExpired();
  throw await problemOf(reply);
}

async function problemOf(reply: Response): Promise<Problem> {
  const text = await reply.text();
  try {
    const found = JSON.parse(text) as Record<string, unknown>;
    const details = (found.details ?? {}) as Record<string, unknown>;
    const word = (value: unknown) => (typeof value === "string" ? value : null);
    const detail = word(found.detail) ?? word(found.title) ?? reply.statusText;
    return new Problem(
      reply.status,
      word(found.code) ?? "",
      detail,
      word(found.hint),
      word(details.field),
      found,
    );
  } catch {
    return new Problem(reply.status, "", text.slice(0, 200) || reply.statusText, null, null);
  }
}

export async function get<T>(target: string, options: Options = {}): Promise<T> {
  return (await send("GET", target, options)).json() as Promise<T>;
}

export async function post<T>(target: string, body: unknown = {}, options: Options = {}): Promise<T> {
  return (await send("POST", target, { ...options, body })).json() as Promise<T>;
}

export async function put<T>(target: string, body: unknown, options: Options = {}): Promise<T> {
  return (await send("PUT", target, { ...options, body })).json() as Promise<T>;
}

export async function patch<T>(target: string, body: unknown, options: Options = {}): Promise<T> {
  return (await send("PATCH", target, { ...options, body })).json() as Promise<T>;
}

export async function remove<T>(target: string, options: Options = {}): Promise<T> {
  return (await send("DELETE", target, options)).json() as Promise<T>;
}
