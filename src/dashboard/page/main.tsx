import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './page.css';
import { App } from './app.js';

const root = document.querySelector('#app');
if (root) render(<App />, root);
