export default function Detail(_: { name: string; isAlone: boolean }) {
  return null;
}
