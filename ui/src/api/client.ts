// The one way to the server: typed by the OpenAPI description, with the session's CSRF text on each change, and every
// refusal as an ApiError.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

export class ApiError extends Error {
  readonly status: number; // 0: the server was not reached
  readonly problem: Partial<Problem>;
  readonly retryAfter: number | null; // seconds
  constructor(status: number, problem: Partial<Problem>, retryAfter: number | null) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

let csrf: string | undefined;
let onSignedOut: () => void = () => {};
let onForbidden: () => void = () => {};
export const setCsrf = (text: string | undefined) => void (csrf = text);
export const csrfNow = () => csrf;
export const whenForbidden = (call: () => void) => void (onForbidden = call);
export const whenSignedOut = (call: () => void) => void (onSignedOut = call);

const session: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET" && csrf !== undefined) request.headers.set("X-CSRF-Token", csrf);
    return request;
  },
  onResponse({ response, schemaPath }) {
    if (schemaPath.startsWith("/v1/session")) return;
    if (response.status === 401) onSignedOut();
    if (response.status === 403) onForbidden();
  },
};

export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin" });
api.use(session);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer's body; anything but a 2xx is thrown as an ApiError. */
export async function the<T>(asked: Promise<Answer<T>>): Promise<T> {
  return (await whole(asked)).data;
}

/** The same with the response, for its status and headers (ETag). */
export async function whole<T>(asked: Promise<Answer<T>>): Promise<{ data: T; response: Response }> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, {}, null);
  }
  const { response } = answer;
  if (!response.ok) {
    const problem = typeof answer.error === "object" && answer.error !== null ? answer.error : {};
    const after = Number(response.headers.get("Retry-After"));
    throw new ApiError(response.status, problem, Number.isFinite(after) && after > 0 ? after : null);
  }
  return { data: answer.data as T, response };
}
