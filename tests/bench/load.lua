-- SPDX-License-Identifier: AGPL-3.0-or-later
-- SPDX-FileCopyrightText: 2026 the kvstore authors
--
-- What wrk sends: the requests of a file that load.py has written, drawn at random, each as it stands there.
-- Arguments: the file; how many keys there are, if the nine hashes in a request are to be replaced by the
-- number of one of them, or 0. At the end it prints its figures as one line of JSON.

local PLACE = "#########"

local function read_requests (path)
  local requests = {}
  local file = assert (io.open (path, "rb"))
  while true do
    local length = file:read ("*n")
    if not length then break end
    file:read (1)
    requests[#requests + 1] = file:read (length)
  end
  file:close ()
  return requests
end

local function split (text)
  local pieces, start = {}, 1
  while true do
    local first, last = text:find (PLACE, start, true)
    if not first then break end
    pieces[#pieces + 1] = text:sub (start, first - 1)
    start = last + 1
  end
  pieces[#pieces + 1] = text:sub (start)
  return pieces
end

function init (args)
  local requests, keys = read_requests (args[1]), tonumber (args[2])
  local random, format, concat = math.random, string.format, table.concat
  math.randomseed (os.time ())

  if keys == 0 then
    local count = #requests
    request = function () return requests[random (count)] end
    return
  end

  local pieces, parts = split (requests[1]), {}
  request = function ()
    for i = 1, #pieces - 1 do
      parts[2 * i - 1] = pieces[i]
      parts[2 * i] = format ("%09d", random (0, keys - 1))
    end
    parts[2 * #pieces - 1] = pieces[#pieces]
    return concat (parts)
  end
end

function done (summary, latency, requests)
  local errors = summary.errors
  io.write (string.format (
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "p99.9": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile (50), latency:percentile (99),
    latency:percentile (99.9),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
