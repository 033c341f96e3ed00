import axios from 'axios';

/** The time of a server, to the second, from the `Date` header of any answer. The request carries no credential. */
export async function serverTime(address: string): Promise<Date | null> {
  try {
    const { headers } = await axios.get(address, {
      timeout: 10_000,
      maxRedirects: 0,
      proxy: false,
      responseType: 'text',
      validateStatus: () => true,
    });
    const date: unknown = headers['date'];
    return typeof date === 'string' ? new Date(date) : null;
  } catch {
    return null;
  }
}
