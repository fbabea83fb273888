// The board: an SVG grid that draws positions of any game on a grid and reports chosen cells.
//
// Layers from below: base, stones, frame (for discs), ghosts, cells (which take clicks and focus).

import { html, svg, rove } from './dom.js';

const CELL = 100;
const RADIUS = { discs: 40, stones: 41, marks: 30 };
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

const centre = (index) => index * CELL + CELL / 2;

export class Board {
  constructor(host, choose) {
    this.host = host;
    this.choose = choose;
    this.shape = '';
    this.stones = new Map();
    this.current = null;
  }

  // Show a state of the game; `mayPlay` says whether it is the person's turn.
  update(state, mayPlay) {
    const { board } = state;
    if (board === null) {
      this.host.replaceChildren(html('pre', { class: 'text-board' }, state.text));
      this.shape = '';
      return;
    }
    const shape = `${board.style} ${board.cells.length} ${board.cells[0].length}`;
    if (shape !== this.shape) this.build(board, shape);
    const here = state.positions[state.current];
    const forward = here.parent !== null && here.parent === this.current;
    this.current = state.current;
    this.state = state;
    this.places = new Map();
    for (const move of state.moves) {
      for (const [row, column] of move.cells) this.places.set(`${row},${column}`, move);
    }
    this.drawStones(board, forward);
    this.markLast(here.cell);
    this.root.classList.toggle('playable', mayPlay);
    this.root.dataset.side = state.toPlay;
    this.label(board, mayPlay);
    this.preview(null);
  }

  build(board, shape) {
    this.shape = shape;
    const [rows, columns] = [board.cells.length, board.cells[0].length];
    const text = Math.min(26, 3.6 * columns); // much the same size on screen for any board
    const left = board.rows.length ? 20 + text : 14;
    const bottom = board.columns.length ? 22 + text : 14;
    this.text = text;
    const [width, height] = [columns * CELL, rows * CELL];
    this.layer = {};
    for (const name of ['base', 'stones', 'frame', 'ghosts', 'cells']) {
      this.layer[name] = svg('g', { class: name, 'aria-hidden': name === 'cells' ? null : 'true' });
    }
    this.root = svg('svg', {
      viewBox: `${-left} -14 ${width + left + 14} ${height + 14 + bottom}`,
      class: `board ${board.style}`,
      role: 'grid',
      'aria-label': 'Board',
    }, ...Object.values(this.layer));
    this.root.style.setProperty('--text', `${text}px`);
    this.root.style.setProperty('--ratio', (width + left + 14) / (height + 14 + bottom));
    this.drawBase(board, width, height);
    this.drawCells(rows, columns);
    this.stones.clear();
    this.host.replaceChildren(this.root);
  }

  drawBase(board, width, height) {
    const { base, frame } = this.layer;
    base.append(svg('rect', { class: 'ground', x: -12, y: -12, width: width + 24, height: height + 24, rx: 22 }));
    if (board.style === 'discs') {
      let holes = `M10-12H${width - 10}a22 22 0 0 1 22 22V${height - 10}a22 22 0 0 1-22 22H10a22 22 0 0 1-22-22V10A22 22 0 0 1 10-12z`;
      board.cells.forEach((cells, row) => cells.forEach((_, column) => {
        const [x, y] = [centre(column), centre(row)];
        holes += `M${x - 40} ${y}a40 40 0 1 0 80 0a40 40 0 1 0-80 0z`;
        frame.append(svg('circle', { class: 'rim', cx: x, cy: y, r: 41.5 }));
      }));
      frame.prepend(svg('path', { class: 'front', d: holes, 'fill-rule': 'evenodd' }));
    } else {
      const lines = [];
      const inner = board.style === 'marks' ? 1 : 0;
      for (let x = inner; x <= width / CELL - inner; x += 1) lines.push(`M${x * CELL} 0V${height}`);
      for (let y = inner; y <= height / CELL - inner; y += 1) lines.push(`M0 ${y * CELL}H${width}`);
      base.append(svg('path', { class: 'lines', d: lines.join('') }));
    }
    board.columns.forEach((text, column) => base.append(
      svg('text', { class: 'label', x: centre(column), y: height + 16 + this.text }, text)));
    board.rows.forEach((text, row) => base.append(
      svg('text', { class: 'label', x: -16 - this.text / 2, y: centre(row) + this.text / 3 }, text)));
  }

  drawCells(rows, columns) {
    this.cells = [];
    for (let row = 0; row < rows; row += 1) {
      const group = svg('g', { role: 'row' });
      for (let column = 0; column < columns; column += 1) {
        const cell = svg('rect', {
          class: 'cell', role: 'gridcell', tabindex: -1, rx: 14,
          x: column * CELL + 4, y: row * CELL + 4, width: CELL - 8, height: CELL - 8,
        });
        cell.place = [row, column];
        cell.addEventListener('click', () => this.choose(row, column));
        cell.addEventListener('pointerenter', (event) => {
          if (event.pointerType === 'mouse') this.preview(cell);
        });
        cell.addEventListener('focus', () => {
          rove(this.cells, cell);
          if (cell.matches(':focus-visible')) this.preview(cell);
        });
        cell.addEventListener('blur', () => this.preview(null));
        cell.addEventListener('keydown', (event) => this.press(event, cell));
        group.append(cell);
        this.cells.push(cell);
      }
      this.layer.cells.append(group);
    }
    this.columns = columns;
    this.layer.cells.addEventListener('pointerleave', () => this.preview(null));
    rove(this.cells, this.cells[Math.floor(rows / 2) * columns + Math.floor(columns / 2)]);
  }

  press(event, cell) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = cell.place;
    if (event.key === 'Enter' || event.key === ' ') {
      this.choose(row, column);
    } else if (event.key in STEPS) {
      const [down, right] = STEPS[event.key];
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

  label(board, mayPlay) {
    for (const cell of this.cells) {
      const [row, column] = cell.place;
      const name = (board.columns[column] ?? column + 1) + (board.rows[row] ?? `, row ${row + 1}`);
      const stone = board.cells[row][column];
      const free = mayPlay && this.places.has(`${row},${column}`) ? ', playable' : '';
      const content = stone ? board.sides[stone - 1] : `empty${free}`;
      cell.setAttribute('aria-label', `${board.rows.length ? '' : 'column '}${name}: ${content}`);
      cell.classList.toggle('legal', free !== '');
    }
    for (const dot of this.layer.ghosts.querySelectorAll('.dot')) dot.remove();
    if (board.style !== 'stones' || !mayPlay) return;
    for (const move of this.state.moves) {
      if (!move.cells.length) continue;
      const [row, column] = move.cells[0];
      this.layer.ghosts.append(svg('circle', { class: 'dot', cx: centre(column), cy: centre(row), r: 8 }));
    }
  }

  drawStones(board, forward) {
    board.cells.forEach((cells, row) => cells.forEach((stone, column) => {
      const key = `${row},${column}`;
      const known = this.stones.get(key);
      const before = known ? known.stone : 0;
      if (before === stone) return;
      known?.element.remove();
      this.stones.delete(key);
      if (!stone) return;
      const element = this.stone(board.style, stone - 1, row, column);
      if (forward) {
        element.classList.add(before ? 'flip' : board.style === 'discs' ? 'drop' : 'pop');
        element.style.setProperty('--fall', `${-(row + 1) * CELL}px`);
        element.style.setProperty('--time', `${0.16 + 0.07 * row}s`);
      }
      this.layer.stones.append(element);
      this.stones.set(key, { stone, element });
    }));
  }

  stone(style, side, row, column) {
    const [x, y, r] = [centre(column), centre(row), RADIUS[style]];
    const group = svg('g', { class: `stone side-${side}` });
    group.style.transformOrigin = `${x}px ${y}px`;
    if (style === 'marks') {
      group.append(side === 0
        ? svg('path', { d: `M${x - r + 4} ${y - r + 4}l${2 * r - 8} ${2 * r - 8}m0 ${8 - 2 * r}l${8 - 2 * r} ${2 * r - 8}` })
        : svg('circle', { cx: x, cy: y, r: r - 2 }));
      return group;
    }
    group.append(svg('circle', { class: 'body', cx: x, cy: y, r }));
    // Shapes tell the sides apart where colours do not.
    if (style === 'discs') {
      group.append(svg('circle', { class: 'inlay', cx: x, cy: y, r: side === 0 ? 26 : 13 }));
    } else {
      group.append(svg('path', { class: 'shine', d: `M${x - 26} ${y - 12}a29 29 0 0 1 20 -17` }));
    }
    return group;
  }

  markLast(cell) {
    this.root.querySelector('.last')?.remove();
    if (!cell) return;
    const [row, column] = cell;
    if (this.state.board.style === 'marks') {
      this.layer.base.prepend(svg('rect', {
        class: 'last', x: column * CELL + 8, y: row * CELL + 8, width: CELL - 16, height: CELL - 16, rx: 14,
      }));
    } else {
      this.layer.ghosts.prepend(svg('circle', { class: 'last', cx: centre(column), cy: centre(row), r: 7 }));
    }
  }

  // Where a stone would come to lie if the person played on `cell`.
  preview(cell) {
    this.layer.ghosts.querySelector('.preview')?.remove();
    const move = cell && this.root.classList.contains('playable') && this.places.get(cell.place.join());
    if (!move || !move.cells.length) return;
    const [row, column] = move.cells[0];
    const ghost = this.stone(this.state.board.style, this.state.toPlay, row, column);
    ghost.classList.add('ghost', 'preview');
    this.layer.ghosts.append(ghost);
  }

  // Show a line of moves as numbered ghosts; a hint is a line of one without a number.
  line(steps, kind = 'line') {
    if (!this.shape) return;
    for (const ghost of this.layer.ghosts.querySelectorAll(`.${kind}`)) ghost.remove();
    const taken = new Set();
    steps.forEach((step, index) => {
      if (!step.cell || taken.has(step.cell.join())) return;
      taken.add(step.cell.join());
      const [row, column] = step.cell;
      const ghost = this.stone(this.state.board.style, step.side, row, column);
      ghost.classList.add('ghost', kind);
      ghost.append(kind === 'hint'
        ? svg('circle', { class: 'halo', cx: centre(column), cy: centre(row), r: 44 })
        : svg('text', { x: centre(column), y: centre(row) + 12 }, index + 1));
      this.layer.ghosts.append(ghost);
    });
  }
}
