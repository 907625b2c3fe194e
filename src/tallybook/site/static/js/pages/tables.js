// A page that has tables and no charts.

import { sortable } from "../sort.js";

document.querySelectorAll("table.sortable").forEach(sortable);
