-- For wrk: asks for every host of a file in turn, and prints what came back as one line of JSON.
local requests, next_request = {}, 0

function init(args)
  for host in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", "/", {Host = host})
  end
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end

function done(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  local line = '\nzoneway {"requests": %d, "not_ok": %d, "broken": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d}\n'
  io.write(line:format(summary.requests, errors.status, broken, summary.duration / 1e6, latency:percentile(50), latency:percentile(99)))
end
