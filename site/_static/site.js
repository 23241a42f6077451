/* Show each equation in the form that fits: one line and its reason side by side, or the reason below. */
(() => {
  const fits = equation => {  // MathJax gives a numbered equation its least width, any other its own
    const drawn = [...equation.querySelectorAll('.wide mjx-container, .wide mjx-container > svg')];
    return drawn.every(part => part.getBoundingClientRect().width <= equation.clientWidth + 1);
  };
  const choose = () => {
    for (const equation of document.querySelectorAll('.equation')) {
      if (equation.querySelector('.narrow')) equation.classList.toggle('tight', !fits(equation));
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
