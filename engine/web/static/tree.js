// The search tree: the moves of the position as the search sees them, each to be opened in turn.
//
// Chances come for the first side; a row shows those of the side that makes its move.

import { html, count, percent, rove, scale } from './dom.js';

export class Tree {
  // `ask(path)` asks the server for what lies behind; `show(steps)` draws a line on the board;
  // `play(action)` makes a move.
  constructor(host, { ask, show, play }) {
    Object.assign(this, { host, ask, show, play });
    this.clear();
    host.addEventListener('keydown', (event) => this.press(event));
    host.addEventListener('pointerleave', (event) => {
      if (event.pointerType === 'mouse') this.point(null);
    });
    host.addEventListener('focusout', (event) => {
      if (!host.contains(event.relatedTarget)) this.point(null);
    });
  }

  clear() {
    this.rows = new Map();
    this.pointed = null;
    this.tapped = null;
    this.host.replaceChildren();
  }

  // Show the moves after `path`, a list of actions; rows that stay keep their element.
  update(path, moves) {
    const parent = path.length ? this.rows.get(path.join()) : null;
    if (path.length && !parent) return;
    const list = parent ? parent.list : this.host;
    if (parent) {
      parent.empty = moves.length === 0;
      parent.item.classList.toggle('hollow', parent.empty);
    }
    const held = document.activeElement;
    const most = Math.max(...moves.map((move) => move.visits), 1);
    const shown = moves.filter((move, rank) => rank < 12 || move.visits > 0 || move.proven);
    const items = shown.map((move, rank) => this.row(path, parent, move, rank, most).item);
    if (items.some((item, index) => list.children[index] !== item) || list.children.length !== items.length) {
      list.replaceChildren(...items);
      if (held !== document.activeElement && this.host.contains(held)) held.focus();
    }
    if (!this.host.querySelector('[tabindex="0"]')) this.host.firstElementChild?.setAttribute('tabindex', 0);
    if (this.pointed) this.point(this.pointed);
  }

  row(path, parent, move, rank, most) {
    const key = [...path, move.action].join();
    let row = this.rows.get(key);
    if (!row) {
      row = this.build(key, path, parent, move);
      this.rows.set(key, row);
    }
    row.move = move;
    const mine = move.chance === null ? null : move.side === 0 ? move.chance : 1 - move.chance;
    row.item.classList.toggle('best', rank === 0 && move.visits > 0);
    row.item.classList.toggle('hollow', row.empty || move.visits === 0);
    row.line.classList.toggle('idle', move.visits === 0 && !move.proven);
    row.bar.style.width = mine === null ? '0' : percent(mine);
    row.wins.textContent = mine === null ? '–' : scale.show(mine);
    row.line.classList.toggle('known', Boolean(move.proven));
    row.visits.textContent = count(move.visits);
    row.share.style.width = percent(move.visits / most);
    row.prior.textContent = percent(move.prior);
    row.badge.textContent = move.proven ? `proven ${move.proven}` : '';
    row.badge.className = move.proven ? `badge ${move.proven}` : '';
    row.item.setAttribute('aria-label', `${move.name}: ${mine === null ? 'not visited' : `${scale.show(mine)} wins`}, `
      + `${move.visits} visits, prior ${percent(move.prior)}${move.proven ? `, proven ${move.proven}` : ''}`);
    return row;
  }

  build(key, path, parent, move) {
    const row = { key, path: [...path, move.action], parent, open: false, empty: false };
    const cell = (name, ...children) => html('span', { class: name }, ...children);
    [row.bar, row.share, row.badge] = [html('i'), html('i'), html('em')];
    [row.wins, row.visits, row.prior] = [html('b'), html('b'), cell('prior')];
    row.twist = html('span', { class: 'twist', 'aria-hidden': 'true' });
    row.line = html('div', { class: `row side-${move.side}` }, row.twist,
      cell('name', html('i', { class: 'stone' }), html('b', {}, move.name)),
      cell('wins', cell('meter', row.bar), row.wins, row.badge),
      cell('visits', cell('meter', row.share), row.visits), row.prior);
    row.list = html('ul', { role: 'group', hidden: true });
    row.item = html('li', {
      role: 'treeitem', tabindex: -1, 'aria-expanded': 'false', 'aria-level': row.path.length,
    }, row.line, row.list);
    row.item.row = row;
    row.twist.addEventListener('click', (event) => {
      this.toggle(row);
      event.stopPropagation();
    });
    row.line.addEventListener('click', (event) => {
      // A finger cannot hover: its first tap shows the line, the second one plays.
      const seen = event.pointerType !== 'touch' || this.tapped === row;
      this.tapped = row;
      if (seen) this.choose(row);
      else this.point(row);
    });
    row.line.addEventListener('pointerenter', (event) => {
      if (event.pointerType === 'mouse') this.point(row);
    });
    row.item.addEventListener('focus', () => {
      rove(this.host.querySelectorAll('[role=treeitem]'), row.item);
      this.point(row);
    });
    return row;
  }

  // A move of the position is played; one further down is opened.
  choose(row) {
    if (row.path.length === 1) this.play(row.path[0]);
    else this.toggle(row);
  }

  toggle(row, open = !row.open) {
    row.open = open;
    row.list.hidden = !open;
    row.item.setAttribute('aria-expanded', String(open));
    if (open) this.ask(row.path);
  }

  // Ask again for all that is open, as when the search has gone on.
  refresh() {
    for (const row of this.rows.values()) {
      if (row.open && row.item.isConnected && row.list.offsetParent) this.ask(row.path);
    }
  }

  point(row) {
    this.pointed = row;
    if (row === null) {
      this.show([]);
      return;
    }
    const steps = [];
    for (let at = row.parent; at; at = at.parent) {
      const { action, name, side, cell } = at.move;
      steps.unshift({ action, name, side, cell });
    }
    this.show([...steps, ...row.move.line]);
  }

  press(event) {
    const row = event.target.row;
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const items = [...this.host.querySelectorAll('[role=treeitem]')].filter((item) => item.offsetParent);
    const at = items.indexOf(row.item);
    if (event.key === 'ArrowDown') items[at + 1]?.focus();
    else if (event.key === 'ArrowUp') items[at - 1]?.focus();
    else if (event.key === 'Home') items[0].focus();
    else if (event.key === 'End') items.at(-1).focus();
    else if (event.key === 'ArrowRight') row.open ? items[at + 1]?.focus() : this.toggle(row, true);
    else if (event.key === 'ArrowLeft') row.open ? this.toggle(row, false) : row.parent?.item.focus();
    else if (event.key === 'Enter' || event.key === ' ') this.choose(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
