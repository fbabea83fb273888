// Small tools for building and updating elements.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export const html = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

// Drawings come from the server as text; they are parsed as SVG, which runs no script.
export function parseSvg(text) {
  const whole = text.startsWith('<svg') ? text : `<svg xmlns="${SVG}">${text}</svg>`;
  const parsed = new DOMParser().parseFromString(whole, 'image/svg+xml');
  return document.importNode(parsed.documentElement, true);
}

export const find = (selector, root = document) => root.querySelector(selector);

export const percent = (share) => `${Math.round(100 * share)}%`;

// How a share of the range of values is told: as chances, or for one player as the value itself.
export const scale = {
  range: null,
  show(share) {
    if (this.range === null) return percent(share);
    const [low, high] = this.range;
    const value = low + share * (high - low);
    return String(Number(value.toPrecision(3)));
  },
};

const grouped = new Intl.NumberFormat('en');
export const count = (number) =>
  number < 10000 ? grouped.format(number) : `${(number / 1000).toFixed(number < 99950 ? 1 : 0)}k`;

// The direction that a move of a game for one goes by its name in, as arrow keys say it.
const DIRECTIONS = {
  up: 'up', u: 'up', down: 'down', d: 'down', left: 'left', l: 'left', right: 'right', r: 'right',
};
export const direction = (state, move) =>
  (state.players === 1 ? DIRECTIONS[move.name.toLowerCase()] : undefined);

// A roving tab stop: one of many elements takes part in the tab order, arrow keys move it.
export function rove(elements, chosen) {
  for (const element of elements) element.tabIndex = element === chosen ? 0 : -1;
}
