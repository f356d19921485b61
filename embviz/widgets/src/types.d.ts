/** What anywidget gives a view, or what an exported page gives it in its place. */

export interface Model {
  // biome-ignore lint/suspicious/noExplicitAny: a trait is what its Python class says.
  get(name: string): any;
  set(name: string, value: unknown): void;
  /** Absent in a page without a kernel. */
  save_changes?(): void;
  on(events: string, listener: (...args: never[]) => void): void;
  off(events?: string | null, listener?: ((...args: never[]) => void) | null): void;
  send?(content: object, callbacks?: unknown, buffers?: (ArrayBuffer | ArrayBufferView)[]): void;
}

/** A widget inside another one. */
export interface Widget {
  render(options: { el: HTMLElement; signal: AbortSignal }): Promise<void>;
}

export interface Host {
  getModel(ref: string): Promise<Model>;
  getWidget(ref: string): Promise<Widget>;
}

export interface RenderOptions {
  model: Model;
  el: HTMLElement;
  signal?: AbortSignal;
  host?: Host;
}
