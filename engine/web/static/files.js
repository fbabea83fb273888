// Games as files: opened by a button or dropped on the page, saved as a download.

import { find, html } from './dom.js';

const MOST = 512 * 1024; // bytes, as the server has it

// `open(text)` takes what a file holds; `fail(text)` tells of one that cannot be read.
export function takeFiles({ open, fail }) {
  const read = async (file) => {
    if (!file) return;
    if (file.size > MOST) fail(`${file.name} is too large: a game has at most ${MOST / 1024} kB`);
    else open(await file.text());
  };
  const input = find('#file');
  find('#open').addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    read(input.files[0]);
    input.value = ''; // so that the same file can be opened again
  });
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    read(event.dataTransfer.files[0]);
  });
}

export function download({ name, text }) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  html('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
