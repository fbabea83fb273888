// The board: an SVG drawn by the server, to which this adds stones, clicks, focus and ghosts.
//
// Layers from below: base, stones, frame (for discs), candidates (of an analysis), ghosts, cells.

import { direction, html, parseSvg, svg, rove } from './dom.js';

const CELL = 100;
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const SWIPE = 30; // pixels that a finger moves to give a direction

export class Board {
  // `play(moves)` makes one of some moves that a place stands for; `refused(row, column, origin)`
  // asks why there is none; `swipe(direction)` hears of a finger that goes over a board without
  // places to play on.
  constructor(host, { play, refused, swipe }) {
    Object.assign(this, { host, play, refused, swipe });
    this.stones = new Map();
    this.current = null;
    this.root = null;
    this.origin = null; // the place of the piece that is about to move
  }

  // Take another empty board, or none.
  mount(text) {
    this.root = null;
    if (text === null) return;
    this.root = parseSvg(text);
    this.layer = {};
    for (const layer of this.root.querySelectorAll(':scope > g')) {
      const [name] = layer.classList;
      this.layer[name] = layer;
      if (name !== 'cells') layer.setAttribute('aria-hidden', 'true');
    }
    this.root.setAttribute('role', 'grid');
    this.root.setAttribute('aria-label', 'Board');
    const { width, height } = this.root.viewBox.baseVal;
    this.root.style.setProperty('--ratio', width / height);
    this.columns = Number(this.root.dataset.columns);
    this.cells = [...this.layer.cells.querySelectorAll('.cell')];
    this.cells.forEach((cell) => this.listen(cell));
    this.layer.cells.addEventListener('pointerleave', () => this.preview(null));
    this.followSwipes();
    const middle = Math.floor(this.cells.length / this.columns / 2) * this.columns + Math.floor(this.columns / 2);
    rove(this.cells, this.cells[middle]);
    this.stones.clear();
    this.host.replaceChildren(this.root);
  }

  listen(cell) {
    cell.place = cell.dataset.cell.split(',').map(Number);
    cell.addEventListener('click', () => this.choose(cell));
    cell.addEventListener('pointerenter', (event) => {
      if (event.pointerType === 'mouse') this.preview(cell);
    });
    cell.addEventListener('focus', () => {
      rove(this.cells, cell);
      if (cell.matches(':focus-visible')) this.preview(cell);
    });
    cell.addEventListener('blur', () => this.preview(null));
    cell.addEventListener('keydown', (event) => this.press(event, cell));
  }

  followSwipes() {
    let start = null;
    this.root.addEventListener('pointerdown', (event) => { start = event; });
    this.root.addEventListener('pointerup', (event) => {
      if (!start || !this.placeless) return;
      const [dx, dy] = [event.clientX - start.clientX, event.clientY - start.clientY];
      start = null;
      if (Math.max(Math.abs(dx), Math.abs(dy)) < SWIPE) return;
      if (Math.abs(dx) > Math.abs(dy)) this.swipe(dx > 0 ? 'right' : 'left');
      else this.swipe(dy > 0 ? 'down' : 'up');
    });
  }

  // Show a state of the game; `mayPlay` says whether it is the person's turn.
  update(state, mayPlay) {
    if (!this.root) {
      this.host.replaceChildren(html('pre', { class: 'text-board' }, state.text));
      return;
    }
    const here = state.positions[state.current];
    const forward = here.parent !== null && here.parent === this.current;
    if (state.current !== this.current) this.origin = null;
    this.current = state.current;
    this.state = state;
    this.mayPlay = mayPlay;
    this.directed = state.moves.some((move) => direction(state, move));
    this.placeless = this.directed || (state.moves.length > 0
      && state.moves.every((move) => !move.cells.length));
    this.root.classList.toggle('placeless', this.placeless);
    this.root.classList.toggle('playable', mayPlay);
    this.drawStones(forward);
    this.markLast(state.players === 1 ? [] : [here.cell, here.origin].filter(Boolean));
    this.select(this.origin);
  }

  // The legal moves by the places that a click may mean now.
  gather() {
    this.targets = new Map();
    this.movers = new Set();
    const add = (place, move) => {
      const key = place.join();
      this.targets.set(key, [...(this.targets.get(key) ?? []), move]);
    };
    for (const move of this.state.moves) {
      if (move.origin) this.movers.add(move.origin.join());
      if (move.origin && move.origin.join() === this.origin) add(move.cells[0], move);
      if (!move.origin) move.cells.forEach((place) => add(place, move));
    }
  }

  // Take up the piece on a place, or put it back.
  select(origin) {
    this.origin = origin;
    this.gather();
    this.label();
    this.layer.ghosts.querySelector('.taken')?.remove();
    if (origin) {
      const [x, y] = this.centre(origin);
      this.layer.ghosts.prepend(svg('rect', { class: 'taken', x: x - 48, y: y - 48, width: 96, height: 96, rx: 8 }));
    }
    this.preview(null);
  }

  choose(cell) {
    if (!this.state) return; // the rules are being compiled
    const key = cell.dataset.cell;
    const moves = this.targets.get(key);
    if (this.mayPlay && moves) this.play(moves);
    else if (key === this.origin) this.select(null);
    else if (this.mayPlay && this.movers.has(key)) this.select(key);
    else if (!this.placeless) {
      const origin = this.origin?.split(',').map(Number) ?? null;
      if (origin) this.select(null);
      this.refused(...cell.place, origin);
    }
  }

  press(event, cell) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.placeless) return;
    const [row, column] = cell.place;
    if (event.key === 'Enter' || event.key === ' ') {
      this.choose(cell);
    } else if (event.key === 'Escape' && this.origin) {
      this.select(null);
    } else if (event.key in STEPS) {
      const turn = this.root.dataset.flipped === 'true' ? -1 : 1;
      const [down, right] = STEPS[event.key].map((step) => step * turn);
      const rows = this.cells.length / this.columns;
      const next = [Math.min(Math.max(row + down, 0), rows - 1),
        Math.min(Math.max(column + right, 0), this.columns - 1)];
      this.cells[next[0] * this.columns + next[1]].focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  focus() {
    this.cells?.find((cell) => cell.tabIndex === 0).focus({ focusVisible: true });
  }

  cell(place) {
    const [row, column] = typeof place === 'string' ? place.split(',').map(Number) : place;
    return this.cells[row * this.columns + column];
  }

  centre(place) {
    const { x, y } = this.cell(place).dataset;
    return [Number(x), Number(y)];
  }

  label() {
    const { board } = this.state;
    for (const cell of this.cells) {
      const [row, column] = cell.place;
      const key = cell.dataset.cell;
      const name = (board.columns[column] ?? column + 1) + (board.rows[row] ?? `, row ${row + 1}`);
      const content = board.names[board.cells[row][column]] || 'empty';
      const target = this.mayPlay && this.targets.has(key);
      const mover = this.mayPlay && this.movers.has(key);
      const use = key === this.origin ? ', taken up' : target ? ', playable' : mover ? ', can move' : '';
      cell.setAttribute('aria-label', `${board.rows.length ? '' : 'column '}${name}: ${content}${use}`);
      cell.classList.toggle('legal', target || mover);
    }
    for (const dot of this.layer.ghosts.querySelectorAll('.dot')) dot.remove();
    if (!this.mayPlay || (board.style !== 'stones' && !this.origin)) return;
    for (const [key, [move]] of this.targets) {
      if (key !== move.cells[0].join()) continue;
      const [x, y] = this.centre(key);
      const taken = board.cells[move.cells[0][0]][move.cells[0][1]] !== 0;
      this.layer.ghosts.append(svg('circle', {
        class: `dot${taken ? ' ring' : ''}`, cx: x, cy: y, r: taken ? 44 : this.origin ? 14 : 8,
      }));
    }
  }

  // A value of a cell, drawn somewhere.
  piece(value, place, classes = '') {
    const [x, y] = this.centre(place);
    const owner = this.state.board.owners[value];
    const side = owner === null ? '' : ` side-${owner}`;
    return svg('use', { class: `stone${side} ${classes}`.trim(), href: `#value-${value}`, x, y });
  }

  drawStones(forward) {
    const { board } = this.state;
    board.cells.forEach((cells, row) => cells.forEach((value, column) => {
      const key = `${row},${column}`;
      const known = this.stones.get(key);
      const before = known ? known.value : 0;
      if (before === value) return;
      known?.element.remove();
      this.stones.delete(key);
      if (!value) return;
      const element = this.piece(value, key);
      if (forward && !board.glyphs) {
        const [x, y] = this.centre(key);
        element.style.transformOrigin = `${x}px ${y}px`;
        element.classList.add(before ? 'flip' : board.style === 'discs' ? 'drop' : 'pop');
        element.style.setProperty('--fall', `${-(row + 1) * CELL}px`);
        element.style.setProperty('--time', `${0.16 + 0.07 * row}s`);
      }
      this.layer.stones.append(element);
      this.stones.set(key, { value, element });
    }));
  }

  markLast(places) {
    for (const mark of this.root.querySelectorAll('.last')) mark.remove();
    const square = this.root.dataset.last === 'square';
    for (const [index, place] of places.entries()) {
      const [x, y] = this.centre(place);
      if (square) {
        this.layer.base.append(svg('rect', { class: 'last square', x: x - 50, y: y - 50, width: CELL, height: CELL }));
      } else if (index === 0) {
        this.layer.ghosts.prepend(svg('circle', { class: 'last', cx: x, cy: y, r: 8 }));
      }
    }
  }

  // What stands on a place where a move ends: the piece that moves, or a new stone.
  moved(step, side, values = new Map()) {
    const { board } = this.state;
    if (step.origin) return values.get(step.origin.join()) ?? board.cells[step.origin[0]][step.origin[1]];
    return board.glyphs ? 0 : side + 1;
  }

  // Where a stone would come to lie if the person played on `cell`.
  preview(cell) {
    this.layer.ghosts.querySelector('.preview')?.remove();
    const move = cell && this.mayPlay && this.targets.get(cell.dataset.cell)?.[0];
    if (!move || !move.cells.length) return;
    const value = this.moved(move, this.state.toPlay);
    if (value) this.layer.ghosts.append(this.piece(value, move.cells[0], 'ghost preview'));
  }

  // Show the candidate moves of an analysis, drawn by the server; null for none.
  showMarks(text) {
    this.layer?.candidates?.replaceChildren(...(text ? parseSvg(text).childNodes : []));
  }

  // Show a line of moves as numbered ghosts; a hint is a line of one without a number.
  line(steps, kind = 'line') {
    if (!this.root) return;
    for (const ghost of this.layer.ghosts.querySelectorAll(`.${kind}`)) ghost.remove();
    this.layer.candidates.classList.toggle('hidden', steps.length > 0);
    const taken = new Set();
    const values = new Map();
    steps.forEach((step, index) => {
      if (!step.cell) return;
      const value = this.moved(step, step.side, values);
      if (step.origin) values.set(step.origin.join(), 0);
      values.set(step.cell.join(), value);
      if (taken.has(step.cell.join())) return;
      taken.add(step.cell.join());
      const [x, y] = this.centre(step.cell);
      const ghost = svg('g', { class: `ghost ${kind}` });
      if (value) ghost.append(this.piece(value, step.cell));
      ghost.append(kind === 'hint'
        ? svg('circle', { class: 'halo', cx: x, cy: y, r: 44 })
        : svg('text', { x, y: y + 12 }, index + 1));
      if (kind === 'hint' && step.origin) {
        const [cx, cy] = this.centre(step.origin);
        ghost.append(svg('circle', { class: 'halo', cx, cy, r: 44 }));
      }
      this.layer.ghosts.append(ghost);
    });
  }
}
