export default function SettingPage() {
  return <h1>Setting</h1>;
}
