export default function OpenPage() {
  return <h1>Open</h1>;
}
