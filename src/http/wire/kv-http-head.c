/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/wire/kv-http-head.h"

#include "core/kv-bytes.h"

#include <string.h>

/* What a byte may be part of. */
enum {
  TOKEN = 1 << 0,  /* tchar: RFC 9110, section 5.6.2 */
  VALUE = 1 << 1,  /* field-vchar, obs-text, SP and HTAB: RFC 9110, section 5.5 */
  TARGET = 1 << 2, /* a request target; which escapes are good is the route's question */
  HOST = 1 << 3,   /* uri-host and port: RFC 3986, section 3.2.2 */
};

#define LETTER (TOKEN | VALUE | TARGET | HOST)

static const guint8 byte_classes[256] = {
  ['\t'] = VALUE,
  [' '] = VALUE,
  ['!'] = LETTER,
  ['"'] = VALUE | TARGET,
  ['#'] = TOKEN | VALUE,
  ['$'] = LETTER,
  ['%'] = LETTER,
  ['&'] = LETTER,
  ['\''] = LETTER,
  ['('] = VALUE | TARGET | HOST,
  [')'] = VALUE | TARGET | HOST,
  ['*'] = LETTER,
  ['+'] = LETTER,
  [','] = VALUE | TARGET | HOST,
  ['-'] = LETTER,
  ['.'] = LETTER,
  ['/'] = VALUE | TARGET,
  ['0' ... '9'] = LETTER,
  [':'] = VALUE | TARGET | HOST,
  [';'] = VALUE | TARGET | HOST,
  ['<'] = VALUE | TARGET,
  ['='] = VALUE | TARGET | HOST,
  ['>'] = VALUE | TARGET,
  ['?'] = VALUE | TARGET,
  ['@'] = VALUE | TARGET,
  ['A' ... 'Z'] = LETTER,
  ['['] = VALUE | TARGET | HOST,
  ['\\'] = VALUE | TARGET,
  [']'] = VALUE | TARGET | HOST,
  ['^'] = TOKEN | VALUE | TARGET,
  ['_'] = LETTER,
  ['`'] = TOKEN | VALUE | TARGET,
  ['a' ... 'z'] = LETTER,
  ['{'] = VALUE | TARGET,
  ['|'] = TOKEN | VALUE | TARGET,
  ['}'] = VALUE | TARGET,
  ['~'] = LETTER,
  [0x80 ... 0xff] = VALUE,
};

/* The headers that mean something here. */
typedef enum {
  FIELD_HOST,
  FIELD_CONTENT_LENGTH,
  FIELD_TRANSFER_ENCODING,
  FIELD_EXPECT,
  FIELD_CONNECTION,
  FIELD_RANGE,
  FIELD_UPGRADE,
  FIELD_CONDITION,
  FIELD_ACCEPT, /* a list */
  FIELD_SINGLE, /* to be given once, and for the routes to read */
} KnownField;

typedef struct {
  const char *name;
  gsize length;
  KnownField field;
} Known;

#define KNOWN(name, field)                                                                         \
  {                                                                                                \
    name, sizeof (name) - 1, field                                                                 \
  }

/* By their lengths, of which few share one: most names are told apart by that alone. */
static const Known known_fields[] = {
  KNOWN ("host", FIELD_HOST),
  KNOWN ("range", FIELD_RANGE),
  KNOWN ("accept", FIELD_ACCEPT),
  KNOWN ("expect", FIELD_EXPECT),
  KNOWN ("origin", FIELD_SINGLE),
  KNOWN ("upgrade", FIELD_UPGRADE),
  KNOWN ("if-match", FIELD_CONDITION),
  KNOWN ("if-range", FIELD_SINGLE),
  KNOWN ("connection", FIELD_CONNECTION),
  KNOWN ("content-type", FIELD_SINGLE),
  KNOWN ("authorization", FIELD_SINGLE),
  KNOWN ("if-none-match", FIELD_CONDITION),
  KNOWN ("last-event-id", FIELD_SINGLE),
  KNOWN ("content-length", FIELD_CONTENT_LENGTH),
  KNOWN ("sec-fetch-site", FIELD_SINGLE),
  KNOWN ("content-encoding", FIELD_SINGLE),
  KNOWN ("if-modified-since", FIELD_SINGLE),
  KNOWN ("transfer-encoding", FIELD_TRANSFER_ENCODING),
  KNOWN ("if-unmodified-since", FIELD_SINGLE),
};

#define N_KNOWN G_N_ELEMENTS (known_fields)
#define MAX_KNOWN_LENGTH 19

G_STATIC_ASSERT (N_KNOWN <= 32);
G_STATIC_ASSERT (sizeof "if-unmodified-since" - 1 == MAX_KNOWN_LENGTH);

/* Where those of a length begin; one entry more ends the last of them. A test has each of them found. */
static const guint8 first_of_length[MAX_KNOWN_LENGTH + 2] = {
  [5] = 1,   [6] = 2,   [7] = 5,   [8] = 6,   [9] = 8,   [10] = 8,  [11] = 9,  [12] = 9,
  [13] = 10, [14] = 13, [15] = 15, [16] = 15, [17] = 16, [18] = 18, [19] = 18, [20] = 19,
};

typedef struct {
  KvHttpHead *head;
  const char *data;
  guint32 seen; /* bits by place in known_fields */
  gboolean wants_close;
  gboolean wants_keep_alive;
} Parser;

static gboolean
is_all (const char *data, gsize length, guint8 class)
{
  guint8 common = class;

  for (gsize i = 0; i < length; i++)
    common &= byte_classes[(guint8) data[i]];
  return common != 0;
}

static gboolean
equals (const char *data, gsize length, const char *lower_case)
{
  return strlen (lower_case) == length && g_ascii_strncasecmp (data, lower_case, length) == 0;
}

static gboolean
refuse (KvHttpHead *head, guint status, const char *reason)
{
  head->status = status;
  head->reason = reason;
  head->n_fields = 0;
  return FALSE;
}

/* Looks for the empty line. A line feed that no carriage return precedes ends the search: the
 * head is refused then, by whoever reads that line. Returns the head's length, or 0. */
static gsize
find_end (const char *data, gsize length, gsize *scanned)
{
  gsize position = *scanned;
  const char *feed;

  while ((feed = memchr (data + position, '\n', length - position)) != NULL)
    {
      gsize at = (gsize) (feed - data);

      position = at + 1;
      if (at == 0 || data[at - 1] != '\r')
        return position;
      /* One empty line may stand before a request (RFC 9112, section 2.2): a client of old sent
       * it after a body. */
      if (at == 1)
        continue;
      if (at >= 3 && data[at - 2] == '\n')
        return position;
    }
  *scanned = length;
  return 0;
}

/* Takes the next line, up to a CRLF. Returns its length without that, or -1. */
static gssize
take_line (const char *data, gsize length)
{
  const char *feed = memchr (data, '\n', length);

  if (feed == NULL || feed == data || feed[-1] != '\r')
    return -1;
  return feed - data - 1;
}

static gboolean
parse_version (KvHttpHead *head, const char *version, gsize length)
{
  if (length != 8 || memcmp (version, "HTTP/", 5) != 0 || !g_ascii_isdigit (version[5])
      || version[6] != '.' || !g_ascii_isdigit (version[7]))
    return refuse (head, 400, "The request line does not end with an HTTP version");
  if (version[5] != '1')
    return refuse (head, 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here");
  head->minor_version = version[7] == '0' ? 0 : 1;
  return TRUE;
}

static gboolean
parse_target (Parser *parser, const char *target, gsize length)
{
  KvHttpHead *head = parser->head;
  KvHttpSpan method = kv_http_head_get_span (parser->data, head->method);
  const char *mark;
  gsize path_length = length;

  if (!is_all (target, length, TARGET))
    return refuse (head, 400, "The request target holds a byte that no URI may hold");
  if (target[0] != '/'
      && !(length == 1 && target[0] == '*' && method.length == 7
           && memcmp (method.data, "OPTIONS", 7) == 0))
    return refuse (head, 400, "The request target must be a path");

  mark = memchr (target, '?', length);
  if (mark != NULL)
    {
      path_length = (gsize) (mark - target);
      head->has_query = TRUE;
      head->query.offset = (guint32) (mark + 1 - parser->data);
      head->query.length = (guint32) (length - path_length - 1);
    }
  head->path.offset = (guint32) (target - parser->data);
  head->path.length = (guint32) path_length;
  return TRUE;
}

static gboolean
parse_request_line (Parser *parser, const char *line, gsize length)
{
  KvHttpHead *head = parser->head;
  const char *end = line + length;
  const char *target;
  const char *version;
  const char *space = memchr (line, ' ', length);

  if (space == NULL || space == line)
    return refuse (head, 400, "The request line is not METHOD, target and version");
  target = space + 1;
  head->method.offset = (guint32) (line - parser->data);
  head->method.length = (guint32) (space - line);
  if (!is_all (line, head->method.length, TOKEN) || head->method.length > KV_HTTP_HEAD_MAX_METHOD)
    return refuse (head, 400, "That is no method");

  space = memchr (target, ' ', (gsize) (end - target));
  if (space == NULL || space == target)
    return refuse (head, 400, "The request line is not METHOD, target and version");
  version = space + 1;

  /* The version first: what the other fields mean depends on it. */
  return parse_version (head, version, (gsize) (end - version))
         && parse_target (parser, target, (gsize) (space - target));
}

static gboolean
parse_content_length (KvHttpHead *head, const char *value, gsize length)
{
  guint64 number = 0;

  /* 18 digits fit into 63 bits, and nobody sends more. */
  if (length == 0 || length > 18)
    return refuse (head, 400, "The Content-Length is not a number of bytes");
  for (gsize i = 0; i < length; i++)
    {
      if (!g_ascii_isdigit (value[i]))
        return refuse (head, 400, "The Content-Length is not a number of bytes");
      number = 10 * number + (guint64) (value[i] - '0');
    }
  head->has_length = TRUE;
  head->content_length = number;
  return TRUE;
}

/* An option that names a header which is meant for everybody would have a proxy, and has libsoup
 * where the client speaks HTTP/1.0, read the request as if that header were not there; nobody may
 * send it (RFC 9110, section 7.6.1). */
static gboolean
is_good_option (const char *option, gsize length)
{
  for (guint i = 0; i < N_KNOWN; i++)
    if (known_fields[i].field != FIELD_UPGRADE && known_fields[i].field != FIELD_ACCEPT
        && equals (option, length, known_fields[i].name))
      return FALSE;
  return TRUE;
}

static gboolean
parse_connection (Parser *parser, const char *value, gsize length)
{
  const char *end = value + length;

  while (value < end)
    {
      const char *comma = memchr (value, ',', (gsize) (end - value));
      const char *stop = comma != NULL ? comma : end;
      const char *next = comma != NULL ? comma + 1 : end;

      while (value < stop && (*value == ' ' || *value == '\t'))
        value++;
      while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
      if (equals (value, (gsize) (stop - value), "close"))
        parser->wants_close = TRUE;
      else if (equals (value, (gsize) (stop - value), "keep-alive"))
        parser->wants_keep_alive = TRUE;
      else if (!is_good_option (value, (gsize) (stop - value)))
        return refuse (parser->head, 400, "The Connection names a header that is for everybody");
      value = next;
    }
  return TRUE;
}

/* Reads what this layer has to know of a header. */
static gboolean
parse_known (Parser *parser, KnownField field, const char *value, gsize length)
{
  KvHttpHead *head = parser->head;

  switch (field)
    {
    case FIELD_HOST:
      return is_all (value, length, HOST) || refuse (head, 400, "The Host is no host and port");
    case FIELD_CONTENT_LENGTH:
      return parse_content_length (head, value, length);
    case FIELD_TRANSFER_ENCODING:
      if (!equals (value, length, "chunked"))
        return refuse (head, 501, "The only Transfer-Encoding that is known here is chunked");
      head->chunked = TRUE;
      return TRUE;
    case FIELD_EXPECT:
      if (!equals (value, length, "100-continue"))
        return refuse (head, 417, "Nothing can be expected but 100-continue");
      head->expects_continue = TRUE;
      return TRUE;
    case FIELD_CONNECTION:
      return parse_connection (parser, value, length);
    case FIELD_UPGRADE:
      head->upgrades = TRUE;
      return TRUE;
    case FIELD_CONDITION:
      head->conditional = TRUE;
      return TRUE;
    case FIELD_ACCEPT:
      head->accepts = TRUE;
      return TRUE;
    case FIELD_RANGE:
    case FIELD_SINGLE:
      return TRUE;
    }
  g_assert_not_reached ();
}

/* Whether @name, a token, is @lower_case when its case does not count. A token's byte that is no
 * letter does not become a letter or a hyphen by the bit that makes letters small. */
static inline gboolean
is_named (const char *name, const char *lower_case, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if ((name[i] | 0x20) != lower_case[i])
      return FALSE;
  return TRUE;
}

static gboolean
may_repeat (KnownField field)
{
  return field == FIELD_CONNECTION || field == FIELD_UPGRADE || field == FIELD_ACCEPT;
}

/* A header that is known here may stand but once, if it is no list; of the others, the first is
 * read. */
static gboolean
note_field (Parser *parser, const KvHttpHeadField *field, gboolean *keep)
{
  const char *name = parser->data + field->name.offset;
  const char *value = parser->data + field->value.offset;

  *keep = TRUE;
  if (field->name.length > MAX_KNOWN_LENGTH)
    return TRUE;
  for (guint i = first_of_length[field->name.length]; i < first_of_length[field->name.length + 1];
       i++)
    {
      const Known *known = &known_fields[i];

      if (!is_named (name, known->name, known->length))
        continue;
      if ((parser->seen & (1u << i)) != 0 && !may_repeat (known->field))
        return refuse (parser->head, 400, "A header that can have one value only is repeated");
      parser->seen |= 1u << i;
      *keep = known->field != FIELD_RANGE;
      return parse_known (parser, known->field, value, field->value.length);
    }
  return TRUE;
}

/* The first byte from @at on that is no part of a header's value; there is one before @end. */
static const char *
skip_value (const char *at, const char *end)
{
  guint64 word;

  for (; end - at >= (gssize) sizeof word; at += sizeof word)
    {
      memcpy (&word, at, sizeof word);
      if (kv_bytes_may_hold_control (word))
        break;
    }
  while ((byte_classes[(guint8) *at] & VALUE) != 0)
    at++;
  return at;
}

static gboolean
is_blank (char c)
{
  return c == ' ' || c == '\t';
}

/* Reads the line that begins at @line, in a head that ends at @end with a line feed, so that no
 * loop here runs over it. Returns where the next line begins, or NULL. */
static const char *
parse_field (Parser *parser, const char *line, const char *end)
{
  KvHttpHead *head = parser->head;
  KvHttpHeadField *field = &head->fields[head->n_fields];
  const char *colon = line;
  const char *value;
  const char *stop;
  const char *next;
  gboolean keep;

  while ((byte_classes[(guint8) *colon] & TOKEN) != 0)
    colon++;
  /* A line that continues the one before, and a space before the colon, are no token and fall
   * here. */
  if (colon == line || *colon != ':')
    {
      refuse (head, 400, "A header line does not begin with a name and a colon");
      return NULL;
    }

  value = colon + 1;
  while (is_blank (*value))
    value++;
  stop = skip_value (value, end);
  if (stop[0] != '\r' || stop[1] != '\n')
    {
      refuse (head, 400,
              *stop == '\r' || *stop == '\n' ? "A line does not end with CR LF"
                                             : "A header's value holds a control character");
      return NULL;
    }
  next = stop + 2;
  while (stop > value && is_blank (stop[-1]))
    stop--;

  if (head->n_fields == KV_HTTP_HEAD_MAX_FIELDS)
    {
      refuse (head, 431, "The request has too many headers");
      return NULL;
    }
  field->name.offset = (guint32) (line - parser->data);
  field->name.length = (guint32) (colon - line);
  field->value.offset = (guint32) (value - parser->data);
  field->value.length = (guint32) (stop - value);
  if (!note_field (parser, field, &keep))
    return NULL;
  if (keep)
    head->n_fields++;
  return next;
}

/* What no single line tells. */
static gboolean
check_whole (Parser *parser)
{
  KvHttpHead *head = parser->head;

  G_STATIC_ASSERT (FIELD_HOST == 0);
  if (head->minor_version > 0 && (parser->seen & 1u) == 0)
    return refuse (head, 400, "The Host is missing");
  if (head->chunked && head->has_length)
    return refuse (head, 400, "Content-Length and Transfer-Encoding exclude each other");
  if (head->chunked && head->minor_version == 0)
    return refuse (head, 400, "HTTP/1.0 has no Transfer-Encoding");

  if (head->minor_version == 0)
    head->expects_continue = FALSE;
  head->keep_alive = !parser->wants_close && (head->minor_version > 0 || parser->wants_keep_alive);
  return TRUE;
}

static gboolean
parse_lines (Parser *parser, const char *line, const char *end)
{
  gssize length = take_line (line, (gsize) (end - line));

  if (length < 0)
    return refuse (parser->head, 400, "A line does not end with CR LF");
  if (length == 0)
    return refuse (parser->head, 400, "There is no request line");
  if (!parse_request_line (parser, line, (gsize) length))
    return FALSE;
  line += length + 2;
  while (line < end && *line != '\r')
    {
      line = parse_field (parser, line, end);
      if (line == NULL)
        return FALSE;
    }
  /* Only an empty line begins like that, and the head ends with the first. */
  return (end - line == 2 && line[1] == '\n')
           ? check_whole (parser)
           : refuse (parser->head, 400, "A line does not end with CR LF");
}

KvHttpHeadResult
kv_http_head_parse (KvHttpHead *head,
                    const char *data,
                    gsize length,
                    gsize max_size,
                    gsize *scanned)
{
  Parser parser = { .head = head, .data = data };
  gsize end = find_end (data, length, scanned);
  gsize start = length >= 2 && data[0] == '\r' && data[1] == '\n' ? 2 : 0;
  gboolean well_formed;

  memset (head, 0, offsetof (KvHttpHead, fields));
  head->length = end;
  head->status = 0;
  head->reason = NULL;

  if (end > max_size || (end == 0 && length > max_size))
    well_formed = refuse (head, 431, "The head of the request is too long");
  /* What cannot become a request is told so at once: somebody tries TLS, say, and waits for an
   * answer. */
  else if (length > start && data[start] != '\r'
           && (byte_classes[(guint8) data[start]] & TOKEN) == 0)
    well_formed = refuse (head, 400, "This is no HTTP request");
  else if (end == 0)
    return KV_HTTP_HEAD_INCOMPLETE;
  else
    well_formed = parse_lines (&parser, data + start, data + end);

  return well_formed ? KV_HTTP_HEAD_COMPLETE : KV_HTTP_HEAD_REFUSED;
}

KvHttpSpan
kv_http_head_get (const KvHttpHead *head, const char *data, const char *name)
{
  for (guint i = 0; i < head->n_fields; i++)
    {
      const KvHttpHeadField *field = &head->fields[i];

      if (equals (data + field->name.offset, field->name.length, name))
        return kv_http_head_get_span (data, field->value);
    }
  return (KvHttpSpan){ NULL, 0 };
}
