/* A cell that can be edited: a text field over its own coloured text, so that what is typed looks like the page. */
const WORDS = 'False None True and as assert async await break class continue def del elif else except finally for from global if import '
  + 'in is lambda nonlocal not or pass raise return try while with yield';
const KINDS = [
  ['c1', /#.*/], ['s2', /[rfbuRFBU]{0,2}("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')/],
  ['mi', /\b\d[\d_.]*(?:[eE][+-]?\d+)?\b/], ['k', new RegExp(`\\b(?:${WORDS.replaceAll(' ', '|')})\\b`)], ['n', /[\p{L}_][\p{L}\p{N}_]*/u],
  ['o', /[-+*/@%=<>!&|^~]+/],
];
const TOKENS = new RegExp(KINDS.map(([kind, pattern]) => `(?<${kind}>${pattern.source})`).join('|'), 'gu');
const escaped = text => text.replace(/[&<>]/g, mark => `&#${mark.charCodeAt(0)};`);

function coloured(source) {
  let html = '', end = 0;
  for (const token of source.matchAll(TOKENS)) {
    const kind = Object.keys(token.groups).find(name => token.groups[name] !== undefined);
    html += `${escaped(source.slice(end, token.index))}<span class="${kind}">${escaped(token[0])}</span>`;
    end = token.index + token[0].length;
  }
  return html + escaped(source.slice(end));
}

export class Editor extends EventTarget {
  constructor(pre, label) {
    super();
    this.pre = pre;
    this.original = pre.textContent.replace(/\n$/, '');
    this.originalHtml = pre.innerHTML;
    this.field = Object.assign(document.createElement('textarea'),
      {value: this.original, spellcheck: false, autocapitalize: 'off', autocomplete: 'off', rows: 1});
    this.field.setAttribute('aria-label', label);
    const frame = document.createElement('div');
    frame.className = 'editor';
    pre.replaceWith(frame);
    frame.append(pre, this.field);
    pre.setAttribute('aria-hidden', 'true');
    this.field.addEventListener('input', () => this.typed());
    this.field.addEventListener('keydown', event => this.key(event));
  }

  get source() { return this.field.value; }

  set source(text) { this.field.value = text; this.typed(); }

  get changed() { return this.source !== this.original; }

  typed() {
    this.pre.innerHTML = this.changed ? `${coloured(this.source)}\n` : this.originalHtml;
    this.dispatchEvent(new Event('typed'));
  }

  key(event) {
    if (event.key === 'Enter' && (event.shiftKey || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.dispatchEvent(new CustomEvent('run', {detail: {next: event.shiftKey}}));
    } else if (event.key === 'Enter' && !event.isComposing) {
      const before = this.source.slice(0, this.field.selectionStart);
      const line = before.slice(before.lastIndexOf('\n') + 1);
      const indent = line.match(/^ */)[0] + (/:\s*(#.*)?$/.test(line) ? '    ' : '');
      event.preventDefault();
      this.insert(`\n${indent}`);
    } else if (event.key === 'Escape') this.field.blur();
    event.stopPropagation();  // the page has keys of its own
  }

  insert(text) {
    if (!document.execCommand('insertText', false, text)) this.field.setRangeText(text, this.field.selectionStart, this.field.selectionEnd, 'end');
    this.typed();
  }
}
