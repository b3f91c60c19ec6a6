export default function GpuPage() {
  return <h1>Gpu</h1>;
}
