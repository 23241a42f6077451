/* The widgets of the page's own ipywidgets: sliders, checkboxes, menus and the HTML that they change. */
const elements = new Map(), busy = new Map();

export const forget = () => { elements.clear(); busy.clear(); };

export class Widgets {
  constructor(python) {
    this.python = python;
    python.addEventListener('message', ({detail}) => {
      if (detail.kind === 'widget') this.show(detail.id, detail.value);
      if (detail.kind === 'widget-error') this.tell(detail.id, detail.text.trim().split('\n').pop());
      if (detail.kind === 'widget-done') this.done(detail.id);
    });
  }

  element = described => {
    const element = this[described.kind](described);
    element.classList.add('widget');
    return element;
  };

  box({children}) {
    const element = document.createElement('div');
    element.append(...children.map(this.element));
    return element;
  }

  row(described) {
    const element = this.box(described);
    element.classList.add('row-of-widgets');
    return element;
  }

  labelled(description, control) {
    const label = document.createElement('label');
    const words = document.createElement('span');
    words.textContent = description;
    label.append(words, control);
    return label;
  }

  slider({id, value, description, min, max, step, readout_format: format}) {
    const input = Object.assign(document.createElement('input'), {type: 'range', min, max, step, value});
    const asked = Number(format?.match(/\.(\d+)f/)?.[1] ?? 0), places = Math.max(asked, (String(step).split('.')[1] ?? '').length);
    const label = this.labelled(description, input), readout = document.createElement('output');
    const show = () => { readout.textContent = Number(input.value).toFixed(places); input.setAttribute('aria-valuetext', readout.textContent); };
    show();
    label.append(readout);
    input.addEventListener('input', () => { show(); this.send(id, Number(input.value)); });
    elements.set(id, {label, set: value => { input.value = value; show(); }});
    return label;
  }

  checkbox({id, value, description}) {
    const input = Object.assign(document.createElement('input'), {type: 'checkbox', checked: value});
    input.addEventListener('change', () => this.send(id, input.checked));
    elements.set(id, {set: value => { input.checked = value; }});
    return this.labelled(description, input);
  }

  menu({id, value, description, options}) {
    const select = document.createElement('select');
    for (const each of options) select.append(new Option(each, each, each === value, each === value));
    select.addEventListener('change', () => this.send(id, options[select.selectedIndex]));
    elements.set(id, {set: value => { select.value = value; }});
    return this.labelled(description, select);
  }

  html({id, value}) {
    const element = document.createElement('div');
    element.innerHTML = value ?? '';
    elements.set(id, {set: value => { element.innerHTML = value; }});
    return element;
  }

  label({id, value, description}) {
    const element = document.createElement('span');
    element.textContent = value ?? description ?? '';
    elements.set(id, {set: value => { element.textContent = value; }});
    return element;
  }

  show(id, value) { elements.get(id)?.set(value); }

  /* What went wrong when a value was set stands below, until the next one. */
  tell(id, text) {
    const label = elements.get(id)?.label;
    if (!label) return;
    label.querySelector('.trouble')?.remove();
    if (text) label.append(Object.assign(document.createElement('small'), {className: 'trouble', textContent: text}));
  }

  /* A slider that is dragged says more than Python can draw: while one value is being drawn, only the newest is kept. */
  send(id, value) {
    if (busy.has(id)) busy.set(id, {value});
    else { busy.set(id, null); this.tell(id, ''); this.python.moved(id, value); }
  }

  done(id) {
    const next = busy.get(id);
    busy.delete(id);
    if (next) this.send(id, next.value);
  }
}
