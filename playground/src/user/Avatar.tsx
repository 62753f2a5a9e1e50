/** A face for everybody: pictures from elsewhere are not loaded, so that no request leaves. */
export function Avatar({ username, name }: { username: string; name: string }) {
  let hue = 0;
  for (const letter of username.toLowerCase()) hue = (hue * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  const [first = '?'] = name.trim() || username;
  return (
    <span className="avatar" aria-hidden="true" style={{ '--hue': hue }}>
      {first.toUpperCase()}
    </span>
  );
}
