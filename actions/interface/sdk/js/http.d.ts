// Types of http.js. Made anew by every build.
export interface More { headers?: Record<string, string>; timeoutMs?: number }
export interface Response {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
  readonly bytes?: Uint8Array;
  readonly ok: boolean;
  readonly retryAfterMs?: number;
  readonly json: any;
}
export interface Verbs {
  get(path: string, more?: More): Response;
  post(path: string, body?: unknown, more?: More): Response;
  put(path: string, body?: unknown, more?: More): Response;
  patch(path: string, body?: unknown, more?: More): Response;
  delete(path: string, more?: More): Response;
}
export declare function connection(name: string): Verbs;
export declare function host(origin: string): Verbs;
