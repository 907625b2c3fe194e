// The page of a place.

import { drawDays } from "../days.js";
import { sortable } from "../sort.js";

drawDays();
document.querySelectorAll("table.sortable").forEach(sortable);
