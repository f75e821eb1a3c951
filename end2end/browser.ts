// The browser that every configuration uses: the distribution's, which `cargo xtask tools` finds or installs.
export const launchOptions = {
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: [
    "--no-sandbox", // it cannot start inside a container or as root otherwise
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

/** Where the server under test listens. */
export const baseURL = process.env.ATELIER_URL || "http://127.0.0.1:3000";

export const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
