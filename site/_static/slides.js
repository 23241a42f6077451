/* Typeset first, then show; each slide is drawn as large as fits. */
const SCREEN = {width: 1280, height: 720};

/* How far what a slide shows reaches, to the right and down, in the coordinates of the screen. */
function reach(slide) {
  const room = document.querySelector('.slides').getBoundingClientRect(), ratio = Reveal.getScale();
  const rects = parts => [...parts].map(part => part.getBoundingClientRect());
  const shown = [...slide.children].filter(part => !part.matches('aside, .live'));
  return {right: (Math.max(0, ...rects(slide.querySelectorAll('mjx-container > svg, table, img')).map(box => box.right)) - room.left) / ratio,
    bottom: (Math.max(0, ...rects(shown).map(box => box.bottom)) - room.top) / ratio};
}

/* As large as fits the screen, so that few lines stand in large letters; a picture takes the room that the text leaves. */
const LARGEST = 1.5, SMALLEST = 0.5;
function fit(slide) {
  if (!slide) return;
  for (let zoom = slide.querySelector('.r-stretch') ? 1 : LARGEST; zoom >= SMALLEST; zoom -= 0.05) {
    slide.style.zoom = zoom;
    slide.style.setProperty('--zoom', zoom);
    const {right, bottom} = reach(slide);
    if (right <= SCREEN.width + 1 && bottom <= SCREEN.height) return;
  }
}

/* The lines of a derivation appear one after the other; all cells of one line together. */
function numberLines() {
  for (const slide of document.querySelectorAll('section')) {
    let before = 0;
    for (const equation of slide.querySelectorAll('mjx-container')) {
      const parts = [...equation.querySelectorAll('.fragment')];
      const lines = parts.map(part => Number(part.getAttribute('class').match(/line-(\d+)/)[1]));
      parts.forEach((part, place) => part.setAttribute('data-fragment-index', before + lines[place] - 1));
      before += Math.max(0, ...lines);
    }
  }
}

/* ▶ on a slide shows its cell, running: that of the reading page, in a frame that stays, with one Python for the whole deck. */
let frame;
function liveFrame() {
  if (frame) return frame;
  frame = Object.assign(document.createElement('iframe'), {className: 'live-cell', title: 'The cell of this slide, running', hidden: true});
  frame.src = document.querySelector('a.live').href.split('#')[0];
  document.body.append(frame);
  frame.ready = new Promise(done => frame.addEventListener('load', async () => {
    const view = frame.contentWindow;
    view.document.documentElement.dataset.only = 'yes';
    view.addEventListener('keydown', event => event.key === 'Escape' && hideLive());
    while (!view.pageNotebook) await new Promise(again => setTimeout(again, 50));
    done(view.pageNotebook);
  }, {once: true}));
  return frame;
}

async function showLive(name) {
  liveFrame().hidden = false;
  document.querySelector('.close-live').hidden = false;
  const notebook = await frame.ready, cell = notebook.cells.find(each => each.name === name);
  frame.contentDocument.querySelector('.only')?.classList.remove('only');
  cell.element.classList.add('only');
  cell.focus();
  if (cell.state !== 'done') await notebook.runCell(cell);
}

function hideLive() {
  frame.hidden = document.querySelector('.close-live').hidden = true;
  window.focus();
}

addEventListener('click', event => {
  const link = event.target.closest?.('a.live');
  if (event.target.matches?.('.close-live')) hideLive();
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  showLive(link.hash.slice('#cell-'.length));
});

MathJax.startup.promise.then(() => MathJax.typesetPromise()).then(async () => {
  numberLines();
  await Reveal.initialize({hash: true, navigationMode: 'linear', controls: false, slideNumber: 'c/t', transition: 'none', center: false,
    width: SCREEN.width, height: SCREEN.height + 20, margin: 0.04, pdfSeparateFragments: false, plugins: [RevealNotes]});
  Reveal.on('slidechanged', event => fit(event.currentSlide));
  Reveal.on('resize', () => fit(Reveal.getCurrentSlide()));
  fit(Reveal.getCurrentSlide());
  document.body.append(Object.assign(document.createElement('button'), {className: 'close-live', textContent: 'Back to the slide', hidden: true}));
  if (!navigator.connection?.saveData) Reveal.on('slidechanged', () => liveFrame());  // Python starts behind the second slide
  document.documentElement.dataset.typeset = 'done';
});
