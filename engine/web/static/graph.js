// The first side's chances over the game; a click goes to the position.

import { svg, scale } from './dom.js';

const [WIDTH, HEIGHT, LEFT, TOP] = [300, 130, 40, 8];
const SPAN = HEIGHT - 2 * TOP;

export function drawGraph(host, state, goto) {
  const line = state.line.map((index) => ({ index, ...state.positions[index] }));
  const step = (WIDTH - LEFT - 10) / Math.max(line.length - 1, 10);
  const x = (ply) => LEFT + ply * step;
  // For one player the values of a game fill the graph; chances go from 0 to 1.
  const known = line.map((position) => position.chance).filter((chance) => chance !== null);
  const whole = scale.range === null || Math.max(...known) <= Math.min(...known);
  const [low, high] = whole ? [0, 1] : [Math.min(...known), Math.max(...known)];
  const y = (chance) => TOP + (1 - (chance - low) / (high - low)) * SPAN;
  const middle = (low + high) / 2;
  const points = line.flatMap((position, ply) =>
    (position.chance === null ? [] : [{ ply, ...position }]));
  const root = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'graph', role: 'img' });
  for (const chance of [high, middle, low]) {
    root.append(svg('line', { class: chance === middle ? 'middle' : 'edge', x1: LEFT, x2: WIDTH - 4, y1: y(chance), y2: y(chance) }));
    root.append(svg('text', { x: LEFT - 6, y: y(chance) + 3.5 }, scale.show(chance)));
  }
  if (points.length > 1) {
    const path = points.map((point) => `${x(point.ply).toFixed(1)} ${y(point.chance).toFixed(1)}`).join('L');
    const area = `M${x(points[0].ply)} ${y(middle)}L${path}L${x(points.at(-1).ply)} ${y(middle)}z`;
    for (const [side, top] of [[0, TOP], [1, y(middle)]]) {
      const id = `half-${side}`;
      root.append(svg('clipPath', { id }, svg('rect', { x: 0, y: top, width: WIDTH, height: SPAN / 2 })));
      root.append(svg('path', { class: `area side-${side}`, d: area, 'clip-path': `url(#${id})` }));
    }
    root.append(svg('path', { class: 'curve', d: `M${path}` }));
  }
  const here = line.findIndex((position) => position.index === state.current);
  root.append(svg('line', { class: 'here', x1: x(here), x2: x(here), y1: TOP, y2: HEIGHT - TOP }));
  for (const point of points) {
    const classes = `point${point.proven ? ' proven' : ''}${point.ply === here ? ' now' : ''} ${point.grade}`;
    const radius = point.ply === here ? 4.5 : point.grade ? 3.6 : Math.min(3, step / 2.4);
    root.append(svg('circle', { class: classes.trim(), cx: x(point.ply), cy: y(point.chance), r: radius }));
  }
  line.forEach((position, ply) => {
    const band = svg('rect', { class: 'band', x: x(ply) - step / 2, y: 0, width: step, height: HEIGHT });
    const chance = position.chance === null ? 'not judged' : `${scale.range === null ? state.sides[0] : 'expected'} ${scale.show(position.chance)}`;
    const grade = position.grade ? `, ${position.grade}; better: ${position.best}` : '';
    band.append(svg('title', {}, `${ply ? `${ply}. ${position.name}` : 'start'}: ${chance}${grade}`));
    band.addEventListener('click', () => goto(position.index));
    root.append(band);
  });
  const now = state.positions[state.current].chance;
  const judged = now === null ? 'not judged yet' : scale.show(now);
  root.setAttribute('aria-label', `Chances of ${state.sides[0]} over the game; now ${judged}`);
  host.replaceChildren(root);
}
