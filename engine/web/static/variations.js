// The moves made, variations included, as nested lists of buttons.

import { html } from './dom.js';

const SIGNS = { blunder: '??', mistake: '?', inaccuracy: '?!' };

export function drawVariations(host, state, goto) {
  const children = state.positions.map(() => []);
  state.positions.forEach((position, index) => {
    if (position.parent !== null) children[position.parent].push(index);
  });
  const online = new Set(state.line);
  const button = (index, depth, numbered) => {
    const { name, side, proven, grade, best } = state.positions[index];
    const here = index === state.current;
    const element = html('button', {
      class: `move side-${side}${online.has(index) ? '' : ' off'}${proven ? ' proven' : ''}`,
      'data-position': index,
      'aria-current': here ? 'true' : null,
      'aria-label': `move ${depth}, ${state.sides[side]} ${name}${grade ? `, ${grade}` : ''}`,
      title: grade ? `${grade}; better: ${best}` : null,
    }, html('i', { class: 'stone' }), name, grade ? html('b', { class: grade }, SIGNS[grade]) : null);
    element.addEventListener('click', () => goto(index));
    const number = numbered ? html('span', { class: 'number' }, `${depth}.`) : null;
    return html('span', { class: 'ply' }, number, element);
  };

  // One line of moves with its variations after the move that they replace.
  const drawLine = (start, depth) => {
    const list = html('div', { class: 'moves' });
    let [at, deep, first] = [start, depth, true];
    while (at !== undefined) {
      list.append(button(at, deep, first || deep % 2 === 1));
      first = false;
      const parent = state.positions[at].parent;
      if (at === children[parent][0]) first = drawSiblings(list, parent, deep);
      at = children[at][0];
      deep += 1;
    }
    return list;
  };
  const drawSiblings = (list, parent, depth) => {
    for (const index of children[parent].slice(1)) {
      list.append(html('div', { class: 'variation' }, drawLine(index, depth)));
    }
    return children[parent].length > 1; // the line goes on below, so it needs a number
  };

  const start = html('button', {
    class: 'move start', 'data-position': 0, 'aria-current': state.current === 0 ? 'true' : null,
  }, 'start');
  start.addEventListener('click', () => goto(0));
  const scrolled = host.scrollTop;
  host.replaceChildren(start, ...(children[0].length ? [drawLine(children[0][0], 1)] : []));
  host.scrollTop = scrolled;
  reveal(host, host.querySelector('[aria-current]'));
}

// Scroll the list, never the page.
function reveal(host, element) {
  if (!element) return;
  const [outer, inner] = [host.getBoundingClientRect(), element.getBoundingClientRect()];
  if (inner.top < outer.top) host.scrollTop -= outer.top - inner.top;
  if (inner.bottom > outer.bottom) host.scrollTop += inner.bottom - outer.bottom;
}
