// The few signs that the app needs, drawn with one line each.

const LINES = {
  home: 'M3 11.5 12 4l9 7.5M5.5 9.5V20h4.5v-6h4v6h4.5V9.5',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 21 21',
  bell: 'M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 20.5h4',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20.5c0-4 3.5-6 8-6s8 2 8 6',
  settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 9.5v-5M8 19.5v-5',
  code: 'M8 7 3 12l5 5M16 7l5 5-5 5M13.5 5l-3 14',
  reply: 'M20.5 11.5c0 4.4-3.8 7.5-8.5 7.5-1.2 0-2.4-.2-3.4-.6L4 20l1.3-3.7C4.2 15 3.5 13.4 3.5 11.5 3.5 7.1 7.3 4 12 4s8.5 3.1 8.5 7.5z',
  retweet: 'M4 9l3-3 3 3M7 6.5V16a2 2 0 0 0 2 2h4M20 15l-3 3-3-3M17 17.5V8a2 2 0 0 0-2-2h-4',
  heart: 'M12 20S3.5 15 3.5 9.2C3.5 6.6 5.5 4.5 8 4.5c1.7 0 3.2 1 4 2.5.8-1.5 2.3-2.5 4-2.5 2.5 0 4.5 2.1 4.5 4.7C20.5 15 12 20 12 20z',
  edit: 'M4 20l1-4.5L16.5 4 20 7.5 8.5 19zM14 6.5l3.5 3.5',
  trash: 'M5 7h14M9.5 7V4.5h5V7M7 7l1 13h8l1-13',
  screen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  leave: 'M10 4H5v16h5M9 12h11M16.5 8.5 20 12l-3.5 3.5',
  up: 'M12 19V6M6.5 11.5 12 6l5.5 5.5',
  dots: 'M5 11.2a.8.8 0 1 0 0 1.6.8.8 0 0 0 0-1.6zM12 11.2a.8.8 0 1 0 0 1.6.8.8 0 0 0 0-1.6zM19 11.2a.8.8 0 1 0 0 1.6.8.8 0 0 0 0-1.6z',
  back: 'M19 12H6M11.5 6.5 6 12l5.5 5.5',
} as const;

export type IconName = keyof typeof LINES;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
      <path d={LINES[name]} />
    </svg>
  );
}
