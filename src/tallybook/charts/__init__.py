"""One function per chart: frames in, an Altair chart out."""
