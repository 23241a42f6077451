/* The page's Python: one worker, started when it is first wanted, and what it says to those who listen. */
export class Python extends EventTarget {
  constructor(settings) {
    super();
    this.settings = settings;  // what worker.mjs is started with, and how many bytes it will load
    this.state = 'off';
    this.stages = {};
    this.waiting = new Map();
  }

  start() {
    if (this.worker) return;
    this.loaded = 0;
    this.setState('starting');
    this.worker = new Worker(new URL('worker.mjs', import.meta.url), {type: 'module'});
    this.worker.onmessage = ({data}) => this.hear(data);
    this.worker.onerror = event => this.fail(event.message || 'the browser could not start it');
    this.worker.postMessage({kind: 'start', ...this.settings});
  }

  stop() {
    this.worker?.terminate();
    this.worker = undefined;
    for (const {reject} of this.waiting.values()) reject(new Error('stopped'));
    this.waiting.clear();
    this.setState('off');
  }

  hear(message) {
    const {kind} = message;
    if (kind === 'loaded') { this.loaded += message.bytes; this.setState(this.state); }
    else if (kind === 'stage') this.reach(message);
    else if (kind === 'ready') this.setState('ready');
    else if (kind === 'failed') this.fail(message.text);
    else if (kind === 'done') this.settle(`run ${message.cell}`, message.ok);
    else if (kind === 'needed') this.settle(`needed ${message.request}`, [...message.places]);
    else this.dispatchEvent(new CustomEvent('message', {detail: message}));
  }

  reach({name, trouble}) {
    if (trouble) console.error(trouble);
    this.stages[name] = performance.now();
    this.stage = name;
    this.setState(this.state);
    this.dispatchEvent(new CustomEvent(name));
  }

  fail(text) {
    this.error = text;
    for (const {reject} of this.waiting.values()) reject(new Error(text));
    this.waiting.clear();
    if (this.state === 'starting') { this.worker?.terminate(); this.worker = undefined; }
    this.setState(this.worker ? 'ready' : 'failed');
  }

  setState(state) {
    this.state = state;
    this.dispatchEvent(new CustomEvent('state'));
  }

  settle(name, value) {
    this.waiting.get(name)?.resolve(value);
    this.waiting.delete(name);
  }

  ask(name, message) {
    this.start();
    this.worker.postMessage(message);
    return new Promise((resolve, reject) => this.waiting.set(name, {resolve, reject}));
  }

  /* Run one cell; true if nothing was raised. */
  run(cell, source) { return this.ask(`run ${cell}`, {kind: 'run', cell, source}); }

  /* The places of the cells above `place` that it needs and that are not `done`. */
  needed(sources, place, done) {
    const request = this.requests = (this.requests ?? 0) + 1;
    return this.ask(`needed ${request}`, {kind: 'needed', request, sources, place, done});
  }

  moved(id, value) { this.worker?.postMessage({kind: 'widget', id, value}); }
}
