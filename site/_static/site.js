/* Show each equation in the form that fits: one line and its reason side by side, or the reason below. */
(() => {
  const LEAST_WIDE = 0.85, LEAST_NARROW = 0.7;  // how much smaller than usual an equation may be drawn so that it fits
  const fits = equation => {  // MathJax gives a numbered equation its least width, any other its own
    const drawn = [...equation.querySelectorAll('.wide mjx-container, .wide mjx-container > svg')];
    return drawn.every(part => part.getBoundingClientRect().width * LEAST_WIDE <= equation.clientWidth + 1);
  };
  const shrink = equation => {  // a little too wide is drawn a little smaller; much too wide scrolls
    for (const drawn of equation.querySelectorAll('mjx-container')) {
      if (getComputedStyle(drawn).visibility === 'hidden') continue;
      const ratio = () => equation.clientWidth / Math.max(drawn.scrollWidth, drawn.firstElementChild.getBoundingClientRect().width - 1);
      let size = parseFloat(getComputedStyle(drawn).fontSize);
      const least = size * LEAST_NARROW;
      if (ratio() < LEAST_NARROW) continue;
      while (ratio() < 1 && size > least) {  // by little steps, because a browser rounds the height of small letters
        size = Math.min(size - 0.2, size * ratio());
        drawn.style.setProperty('font-size', `${size}px`, 'important');
      }
    }
  };
  const choose = () => {
    for (const equation of document.querySelectorAll('.equation')) {
      equation.querySelectorAll('mjx-container').forEach(drawn => drawn.style.removeProperty('font-size'));
      if (equation.querySelector('.narrow')) equation.classList.toggle('tight', !fits(equation));
      if (equation.clientWidth) shrink(equation);
    }
    for (const box of document.querySelectorAll('.equation mjx-container, .bd-content pre, .bd-content table')) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;  // the keyboard can scroll it
    }
  };
  const nameByContent = () => {  // a label that differs from the words on a button hides them from speech control
    for (const button of document.querySelectorAll('details.hide > summary, .search-button-field')) button.removeAttribute('aria-label');
  };
  nameByContent();
  addEventListener('load', nameByContent);
  let waiting;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(choose, 100); };
  const start = () => {
    if (!window.MathJax?.startup?.promise) return setTimeout(start, 50);
    MathJax.startup.promise.then(() => {
      choose();
      document.documentElement.dataset.typeset = 'done';
      addEventListener('resize', later);
      document.addEventListener('toggle', later, true);
    });
  };
  if (document.querySelector('.math')) start(); else document.documentElement.dataset.typeset = 'done';
})();
