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

MathJax.startup.promise.then(() => MathJax.typesetPromise()).then(async () => {
  numberLines();
  await Reveal.initialize({hash: true, navigationMode: 'linear', controls: false, slideNumber: 'c/t', transition: 'none', center: false,
    width: SCREEN.width, height: SCREEN.height + 20, margin: 0.04, pdfSeparateFragments: false, plugins: [RevealNotes]});
  Reveal.on('slidechanged', event => fit(event.currentSlide));
  Reveal.on('resize', () => fit(Reveal.getCurrentSlide()));
  fit(Reveal.getCurrentSlide());
  document.documentElement.dataset.typeset = 'done';
});
