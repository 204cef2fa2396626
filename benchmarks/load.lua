-- Sends the requests of a file one after another: wrk ... -- FILE BYTES_PER_REQUEST
local data, size, count, place = "", 0, 0, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  data = file:read("*a")
  file:close()
  size = tonumber(arguments[2])
  count = #data / size
end

function request()
  local start = (place % count) * size
  place = place + 1
  return data:sub(start + 1, start + size)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50_us": %d, "p99_us": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
