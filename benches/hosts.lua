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

function done(summary)
  local errors = summary.errors
  local wrong = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('\nzoneway {"requests": %d, "wrong": %d}\n', summary.requests, wrong))
end
