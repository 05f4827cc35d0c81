// Loaded before the first paint, so that a theme chosen by hand doesn't flash in the other one.
try {
    const theme = localStorage.getItem('p2p.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
    // No storage: the system's setting it is.
}
