/** How the EHR looks, for apps that want to look alike. SMART App Launch 2.2, "Styling" */
export const ehrStyle = {
  color_background: '#f4f6f8',
  color_error: '#a3190b',
  color_highlight: '#1f5f8b',
  color_modal_backdrop: '',
  color_success: '#1d6b3a',
  color_text: '#1b2733',
  dim_border_radius: '6px',
  dim_font_size: '16px',
  dim_spacing_size: '16px',
  font_family_body: 'system-ui, sans-serif',
  font_family_heading: 'system-ui, sans-serif'
}
