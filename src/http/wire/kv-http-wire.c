/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/wire/kv-http-wire.h"

#include "core/kv-decimal.h"

#include <string.h>
#include <time.h>

/* The statuses that this program gives; the phrase means nothing to a program (RFC 9112, section
 * 4). */
const char *
kv_http_wire_get_phrase (guint status)
{
  switch (status)
    {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "";
    }
}

const char *
kv_http_wire_get_date (void)
{
  static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
  static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
  static _Thread_local time_t second = 0;
  static _Thread_local char text[64];
  time_t now = time (NULL);
  struct tm utc;

  if (now == second && second != 0)
    return text;
  second = now;
  gmtime_r (&now, &utc);
  g_snprintf (text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", days[utc.tm_wday],
              utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
              utc.tm_sec);
  return text;
}

const char *
kv_http_wire_get_connection (KvHttpConnectionField field)
{
  switch (field)
    {
    case KV_HTTP_CONNECTION_DEFAULT:
      return NULL;
    case KV_HTTP_CONNECTION_KEEP_ALIVE:
      return "keep-alive";
    case KV_HTTP_CONNECTION_CLOSE:
      return "close";
    }
  g_assert_not_reached ();
}

KvHttpSpan
kv_http_wire_get_body (const KvHttpResponse *response)
{
  KvHttpSpan body = { "", 0 };

  if (response->body_entry != NULL)
    body.data = kv_entry_get_value (response->body_entry, &body.length);
  else if (response->body_bytes != NULL)
    body.data = g_bytes_get_data (response->body_bytes, &body.length);
  else if (response->body != NULL)
    body = (KvHttpSpan){ response->body, strlen (response->body) };
  return body;
}

/* The most that a head has beside its own headers. */
#define FIXED_SIZE 256

/* Written without a look at the end: who calls has reserved the room. */
static char *
put_bytes (char *at, const char *text, gsize length)
{
  memcpy (at, text, length);
  return at + length;
}

/* Of an IMF-fixdate (RFC 9110, section 5.6.7), which is always as long. */
#define DATE_LENGTH (sizeof "Sun, 06 Nov 1994 08:49:37 GMT" - 1)

#define put_literal(at, text) put_bytes (at, text, sizeof (text) - 1)

static char *
put_text (char *at, const char *text)
{
  return put_bytes (at, text, strlen (text));
}

static char *
put_header (char *at, const KvHttpHeader *header)
{
  at = put_bytes (at, header->name, header->name_length);
  at = put_literal (at, ": ");
  at = put_bytes (at, header->value, header->value_length);
  return put_literal (at, "\r\n");
}

static gsize
measure_headers (const KvHttpResponse *response)
{
  gsize size = 0;

  for (guint i = 0; i < response->n_headers; i++)
    size += response->headers[i].name_length + response->headers[i].value_length + 4;
  return size;
}

gboolean
kv_http_wire_may_have_body (const KvHttpResponse *response)
{
  return response->status != 204 && response->status != 304;
}

void
kv_http_wire_append_head (KvHttpBuffer *buffer,
                          const KvHttpResponse *response,
                          gsize body_length,
                          KvHttpConnectionField connection)
{
  const char *value = kv_http_wire_get_connection (connection);
  char *at;

  kv_http_buffer_reserve (buffer, FIXED_SIZE + measure_headers (response));
  at = buffer->data + buffer->end;
  at = put_literal (at, "HTTP/1.1 ");
  at = kv_decimal_format (at, response->status);
  *at++ = ' ';
  at = put_text (at, kv_http_wire_get_phrase (response->status));
  at = put_literal (at, "\r\nDate: ");
  at = put_bytes (at, kv_http_wire_get_date (), DATE_LENGTH);
  at = put_literal (at, "\r\n");
  for (guint i = 0; i < response->n_headers; i++)
    at = put_header (at, &response->headers[i]);
  if (kv_http_wire_may_have_body (response) && !response->endless)
    {
      at = put_literal (at, "Content-Length: ");
      at = kv_decimal_format (at, body_length);
      at = put_literal (at, "\r\n");
    }
  if (value != NULL)
    at = put_header (at, &KV_HTTP_HEADER ("Connection", value));
  at = put_literal (at, "\r\n");
  buffer->end = (gsize) (at - buffer->data);
}

void
kv_http_wire_append_response (KvHttpBuffer *buffer,
                              const KvHttpResponse *response,
                              gboolean without_body,
                              KvHttpConnectionField connection)
{
  KvHttpSpan body = kv_http_wire_get_body (response);

  kv_http_wire_append_head (buffer, response, body.length, connection);
  if (!without_body && kv_http_wire_may_have_body (response))
    kv_http_buffer_append (buffer, body.data, body.length);
}
