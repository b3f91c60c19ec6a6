export default function CommandPage() {
  return <h1>Command</h1>;
}
