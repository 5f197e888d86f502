export default function Home() {
  return <main>Portcullis</main>
}
