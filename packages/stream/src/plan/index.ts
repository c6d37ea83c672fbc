export { recognise, type Recognised, type StreamMessage } from "../message/first-message.ts";
export { planMessage, type Step, type StreamPlan } from "./plan.ts";
