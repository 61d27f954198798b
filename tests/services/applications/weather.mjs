// A whole application on jambonz' websocket API: greets, answers a tool call, changes the conversation, says goodbye.
import http from 'node:http';
import {createEndpoint} from '@jambonz/sdk/websocket';

const makeService = createEndpoint({server: http.createServer(), port: 3000});

makeService({path: '/weather'}).on('session:new', (session) => {
  const told = (name) => (data) => process.stdout.write(`${JSON.stringify({name, data})}\n`);
  told('session:new')(session.data);
  session
    .on('/event', told('/event'))
    .on('/tool', (call) => {
      told('/tool')(call);
      session.updateLlm({type: 'session.update', session: {instructions: `The caller asked about ${call.args.location}.`}});
      session.updateLlm({type: 'session.update', session: {voice: 'verse'}});
      session.sendToolOutput(call.tool_call_id, {temperature: 21});
    })
    .on('/final', (end) => {
      told('/final')(end);
      session.pause({length: 0.1}).hangup().reply();
    })
    .on('call:status', told('call:status'))
    .on('jambonz:error', told('jambonz:error'));
  session
    .answer()
    .openai_s2s({
      model: 'gpt-realtime-2.1',
      auth: {apiKey: session.data.env_vars.OPENAI_API_KEY},
      actionHook: '/final',
      eventHook: '/event',
      toolHook: '/tool',
      events: ['response.done', 'session.updated'],
      hangup: {reason: 'done'},
      llmOptions: {
        response_create: {instructions: 'Help.', voice: 'alloy'},
        session_update: {
          tools: [{
            type: 'function',
            name: 'get_weather',
            parameters: {type: 'object', properties: {location: {type: 'string'}}, required: ['location']},
          }],
        },
      },
    })
    .send();
});
